import { type ExecutionContext, SetMetadata, applyDecorators, createParamDecorator } from '@nestjs/common';
import { AppError, type Scope } from '@mediakiln/contracts';
import { ApiExtension } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';

/** Who sent the request. */
export interface RequestUser {
  id: string;
  role: 'user' | 'admin';
  /** What an API key may do; absent for a login, which may do everything. */
  scopes?: readonly Scope[];
  /** The API key or the login (its session family): what a revocation ends. Limits count by `countedAs`. */
  credential: string;
}

/** Whom limits count: an API key by itself, every login as its account, which can log in as often as it likes. */
export const countedAs = ({ id, scopes, credential }: RequestUser): string => (scopes ? credential : id);

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard; absent on public routes and for anonymous callers of optional ones. */
    user?: RequestUser;
  }
}

export const ACCESS = Symbol('mediakiln:access');
export type Access = 'token' | 'optional' | 'public';

export const NEEDS_SCOPE = Symbol('mediakiln:scope');

/** Tells the OpenAPI document what the guard knows; taken out again before the document is served. */
export const ACCESS_EXTENSION = 'x-access';

const access = (kind: Access): ClassDecorator & MethodDecorator =>
  applyDecorators(SetMetadata(ACCESS, kind), ApiExtension(ACCESS_EXTENSION, kind));

/** Opens a route (or a whole controller) to everybody. Without this or OptionalAuth every route needs a token. */
export const Public = (): ClassDecorator & MethodDecorator => access('public');

/** Lets anonymous callers in, for routes that a signed address may open too; a token that is sent must be good. */
export const OptionalAuth = (): ClassDecorator & MethodDecorator => access('optional');

/** Tells the OpenAPI document which scope an API key needs; taken out again likewise. */
export const SCOPE_EXTENSION = 'x-scope';

/**
 * What an API key must be allowed to use this route (or controller). A route without it is closed to API keys: only a
 * login may manage the account and its keys.
 */
export const Needs = (scope: Scope): ClassDecorator & MethodDecorator =>
  applyDecorators(SetMetadata(NEEDS_SCOPE, scope), ApiExtension(SCOPE_EXTENSION, scope));

const userOf = (context: ExecutionContext): RequestUser | undefined =>
  context.switchToHttp().getRequest<FastifyRequest>().user;

/** Parameter decorator: the caller. On a route without the guard it refuses rather than hand out `undefined`. */
export const CurrentUser = createParamDecorator(
  (_data: undefined, context: ExecutionContext): RequestUser => {
    const user = userOf(context);
    if (!user) throw new AppError('unauthenticated');
    return user;
  },
);

/** Parameter decorator for OptionalAuth routes: the caller, or undefined. */
export const CallerIfKnown = createParamDecorator((_data: undefined, context: ExecutionContext) =>
  userOf(context),
);
