import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { Session, SweepingDuty, type SweepDuty } from '@mediakiln/entities';
import type { EntityManager } from 'typeorm';
import { uuidv7 } from 'uuidv7';

const REFRESH_DAYS = 30;
const SECRET_BYTES = 32;
const EXPIRES_AT = (): string => `now() + interval '${REFRESH_DAYS} days'`;

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

export interface Login {
  userId: string;
  familyId: string;
  refreshToken: string;
}

/** Logins that can be renewed. Only hashes of refresh tokens are kept. */
@Injectable()
export class Sessions {
  /** @returns the refresh token, which is nowhere else, and the family that access tokens name. */
  async open(tx: EntityManager, userId: string): Promise<Login> {
    const token = newToken();
    const id = uuidv7();
    await tx
      .createQueryBuilder()
      .insert()
      .into(Session)
      .values({ id, family_id: id, user_id: userId, refresh_hash: hashOf(token), expires_at: EXPIRES_AT })
      .execute();
    return { userId, familyId: id, refreshToken: token };
  }

  /**
   * Swaps a refresh token for the next one. The condition is in the UPDATE: of two that come at once, one wins.
   * @throws AppError unauthenticated for an unknown, used or expired token.
   */
  async rotate(tx: EntityManager, token: string): Promise<Login> {
    const next = newToken();
    const { raw } = (await tx
      .createQueryBuilder()
      .update(Session)
      .set({ refresh_hash: hashOf(next), expires_at: EXPIRES_AT })
      .where('refresh_hash = :hash AND expires_at > now()', { hash: hashOf(token) })
      .returning('user_id, family_id')
      .execute()) as { raw: { user_id: string; family_id: string }[] };
    const session = raw[0];
    if (!session) throw new AppError('unauthenticated', 'The refresh token is unknown, used or expired');
    return { userId: session.user_id, familyId: session.family_id, refreshToken: next };
  }
}

const newToken = (): string => randomBytes(SECRET_BYTES).toString('base64url');

@SweepingDuty()
@Injectable()
export class ExpiredSessions implements SweepDuty {
  readonly name = 'expired_sessions';
  readonly everyMs = 600_000;

  async sweep(tx: EntityManager): Promise<number> {
    const { affected } = await tx
      .createQueryBuilder()
      .delete()
      .from(Session)
      .where('expires_at < now()')
      .execute();
    return affected ?? 0;
  }
}
