import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { Session, SweepingDuty, type SweepDuty, type User } from '@mediakiln/entities';
import { DataSource, type EntityManager } from 'typeorm';
import { uuidv7 } from 'uuidv7';

const REFRESH_DAYS = 30;
const SECRET_BYTES = 32;
/** Two tabs, or a client that lost our answer, may trade the same token so shortly after one another. */
export const REUSE_GRACE_SECONDS = 10;

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
const newToken = (): string => randomBytes(SECRET_BYTES).toString('base64url');

export interface Login {
  userId: string;
  familyId: string;
  refreshToken: string;
}

/** Whose login it is. */
export type Family = Pick<Session, 'user_id' | 'family_id'>;

/**
 * Who makes a session shares the lock of its user's row, who ends sessions has it alone: without it, a refresh in flight
 * would leave a token behind that the end of its login does not see.
 */
const FIND_FOR_REFRESH = `
SELECT s.id, s.user_id, s.family_id FROM session s JOIN "user" u ON u.id = s.user_id
WHERE s.refresh_hash = $1 AND s.expires_at > now() AND u.deleted_at IS NULL FOR SHARE OF u`;

const USE = `
UPDATE session SET used_at = coalesce(used_at, now())
WHERE id = $1 AND (used_at IS NULL OR used_at > now() - make_interval(secs => ${REUSE_GRACE_SECONDS}))`;

const OPEN = `
INSERT INTO session (id, family_id, user_id, refresh_hash, expires_at)
SELECT $1, $2, id, $4, now() + make_interval(days => ${REFRESH_DAYS}) FROM "user"
WHERE id = $3 AND deleted_at IS NULL AND ($5::text IS NULL OR password_hash = $5) FOR SHARE`;

/** Logins, and the refresh tokens that renew them. Only hashes of the tokens are kept. */
@Injectable()
export class Sessions {
  constructor(private readonly database: DataSource) {}

  /**
   * @param user as it was when the password was checked.
   * @returns the refresh token, which is nowhere else, and the family that access tokens name.
   * @throws AppError invalid_credentials when the password was changed or the account deleted since.
   */
  async open(
    { id, password_hash }: Pick<User, 'id' | 'password_hash'>,
    tx: EntityManager = this.database.manager,
  ): Promise<Login> {
    const familyId = uuidv7();
    const login = await insert(tx, { userId: id, familyId, passwordHash: password_hash });
    if (!login) throw new AppError('invalid_credentials');
    return login;
  }

  /**
   * Trades a refresh token for the next one of the same login.
   * @throws AppError unauthenticated for an unknown or expired token, and for one that was used before: then somebody
   * else has it too, and the whole login ends.
   */
  async rotate(token: string): Promise<Login> {
    const result = await this.database.transaction((tx) => this.trade(tx, token));
    if (!('reused' in result)) return result;
    await this.end(result.reused);
    throw new AppError(
      'unauthenticated',
      'This refresh token was used before, so somebody else may have it: the login has ended. Log in again.',
    );
  }

  /** Ends the login with all its tokens. */
  async end({ user_id, family_id }: Family): Promise<void> {
    await this.database.transaction(async (tx) => {
      await lockUser(tx, user_id);
      await tx.delete(Session, { family_id });
    });
  }

  /** Ends every login of the user. The caller's transaction has changed the user's row, and so has its lock. */
  async endAll(tx: EntityManager, userId: string): Promise<void> {
    await tx.delete(Session, { user_id: userId });
  }

  /** Used tokens are known too: they belong to their login until it ends. */
  findByToken(token: string): Promise<Family | null> {
    return this.database.manager.findOne(Session, {
      select: { id: true, user_id: true, family_id: true },
      where: { refresh_hash: hashOf(token) },
    });
  }

  private async trade(tx: EntityManager, token: string): Promise<Login | { reused: Family }> {
    const [session] = await tx.query<(Family & { id: string })[]>(FIND_FOR_REFRESH, [hashOf(token)]);
    if (!session) throw unknownToken();
    const [, used] = await tx.query<[unknown, number]>(USE, [session.id]);
    if (used === 0) {
      // Ended while we waited for the user's row, or used too long ago.
      if (await tx.existsBy(Session, { id: session.id })) return { reused: session };
      throw unknownToken();
    }
    const login = await insert(tx, { userId: session.user_id, familyId: session.family_id });
    if (!login) throw unknownToken();
    return login;
  }
}

const unknownToken = (): AppError =>
  new AppError('unauthenticated', 'The refresh token is unknown or has expired');

async function lockUser(tx: EntityManager, userId: string): Promise<void> {
  await tx.query('SELECT FROM "user" WHERE id = $1 FOR NO KEY UPDATE', [userId]);
}

/** @returns null when there is no such user, or not with this password any more. */
async function insert(
  tx: EntityManager,
  of: { userId: string; familyId: string; passwordHash?: string },
): Promise<Login | null> {
  const { userId, familyId, passwordHash } = of;
  const refreshToken = newToken();
  const inserted = await tx.query<unknown[]>(`${OPEN} RETURNING id`, [
    uuidv7(),
    familyId,
    userId,
    hashOf(refreshToken),
    passwordHash ?? null,
  ]);
  return inserted.length > 0 ? { userId, familyId, refreshToken } : null;
}

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
