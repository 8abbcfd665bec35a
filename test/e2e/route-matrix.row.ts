import type { ErrorCode, Scope } from '@mediakiln/contracts';
import type { Ask } from '../support/client';
import type { RegisteredUser } from '../support/gateway';
import type { MatrixScene } from './route-matrix.scene';

/** One request that would work for the owner of what it names. */
export interface MatrixAsk {
  /** In place of `{id}` and the like. */
  path?: Record<string, string>;
  query?: string;
  json?: Record<string, unknown>;
  body?: () => Ask['body'];
  headers?: Record<string, string>;
  /** Instead of the scene's owner, where the request ends a login or an account. */
  owner?: RegisteredUser;
  other?: RegisteredUser;
}

/** Who sends the request, besides the owner of what it names. */
export type Stranger = 'anonymous' | 'expired_token' | 'link_token' | 'narrow_key' | 'somebody_else';

export interface MatrixRow {
  route: string;
  /** Who gets in: an API key with this scope, a login only, or everybody. */
  for: Scope | 'login' | 'everybody';
  /** What the owner is answered. */
  works: number;
  /**
   * What somebody else is answered: 404, or `their own` where the request names nothing, and then everything in the
   * answer is theirs.
   */
  others: 404 | 'their own';
  ask: (scene: MatrixScene) => Promise<MatrixAsk>;
  /** Where a stranger is answered otherwise than `expectedOf` has it; say why. */
  differs?: Partial<Record<Stranger, Refusal | number>>;
}

/** Status and code. */
type Refusal = readonly [status: number, code: ErrorCode];

/** What each stranger is answered: a number is a status that is no problem. */
export function expectedOf({
  for: whom,
  works,
  others,
  differs,
}: MatrixRow): Record<Stranger, Refusal | number> {
  const isOpen = whom === 'everybody';
  return {
    anonymous: isOpen ? works : [401, 'unauthenticated'],
    expired_token: isOpen ? works : [401, 'token_expired'],
    link_token: isOpen ? works : [401, 'unauthenticated'],
    narrow_key: isOpen ? works : [403, whom === 'login' ? 'forbidden' : 'insufficient_scope'],
    somebody_else: others === 404 ? [404, 'not_found'] : works,
    ...differs,
  };
}

const nothing = (): Promise<MatrixAsk> => Promise.resolve({});

export const withMedia = async (scene: MatrixScene): Promise<MatrixAsk> => ({
  path: { id: await scene.media() },
});

export const open = (route: string, works: number, ask: MatrixRow['ask'] = nothing): MatrixRow => ({
  route,
  for: 'everybody',
  works,
  others: 'their own',
  ask,
});

export const own = (
  route: string,
  scope: MatrixRow['for'],
  works: number,
  ask: MatrixRow['ask'],
): MatrixRow => ({
  route,
  for: scope,
  works,
  others: 404,
  ask,
});

export const mine = (
  route: string,
  scope: MatrixRow['for'],
  works: number,
  ask: MatrixRow['ask'] = nothing,
): MatrixRow => ({ route, for: scope, works, others: 'their own', ask });
