import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppError, type Scope } from '@mediakiln/contracts';
import { type PreparedStatement, queryPrepared } from '@mediakiln/entities';
import { DataSource } from 'typeorm';
import type { RequestUser } from '../http/access';
import { type Credential, Credentials } from '../http/credentials';
import { VerifiedTokens } from './verified-tokens';

const LOGIN: PreparedStatement = {
  name: 'login_stands',
  text: `
SELECT u.role FROM session s JOIN "user" u ON u.id = s.user_id
WHERE s.family_id = $1 AND s.user_id = $2 AND s.expires_at > now() AND u.deleted_at IS NULL LIMIT 1`,
};

/** Also notes the use, at most once a minute: a key in use is not written at every question. */
const API_KEY: PreparedStatement = {
  name: 'api_key_stands',
  text: `
WITH used AS (
  UPDATE api_key SET last_used_at = now()
  WHERE key_hash = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
    AND (expires_at IS NULL OR expires_at > now()))
SELECT k.id, k.owner_id, k.scopes, u.role, (k.expires_at <= now()) IS TRUE AS is_expired
FROM api_key k JOIN "user" u ON u.id = k.owner_id WHERE k.key_hash = $1 AND u.deleted_at IS NULL`,
};

/** Planned anew each time: the lists are of any length. $1 credentials, $2 whose they are. */
const STANDING = `
SELECT u.id, u.role, c.credential, k.scopes
FROM unnest($1::uuid[], $2::uuid[]) AS c (credential, user_id)
JOIN "user" u ON u.id = c.user_id AND u.deleted_at IS NULL
LEFT JOIN api_key k ON k.id = c.credential AND k.owner_id = u.id AND (k.expires_at <= now()) IS NOT TRUE
WHERE k.id IS NOT NULL OR EXISTS (
  SELECT FROM session s WHERE s.family_id = c.credential AND s.user_id = u.id AND s.expires_at > now())`;

interface KeyRow {
  id: string;
  owner_id: string;
  scopes: Scope[];
  role: RequestUser['role'];
  is_expired: boolean;
}

/** What an access token of ours says. */
export interface SignedLogin {
  userId: string;
  familyId: string;
  expiresAtMs: number;
}

const API_KEY_FORM = /^mk_[\w-]{43}$/;

/** Whether logins and API keys still stand: asked of the database, remembered for a second. */
@Injectable()
export class Standing implements Credentials {
  private readonly logins = new VerifiedTokens();
  private readonly keys = new VerifiedTokens();

  constructor(private readonly database: DataSource) {}

  /** @param header Authorization, as it came. */
  knownLogin(header: string): ReturnType<VerifiedTokens['find']> {
    return this.logins.find(header);
  }

  /** For an access token whose signature is good. @throws AppError unauthenticated */
  login(header: string, of: SignedLogin): Promise<RequestUser> {
    return this.logins.admit(header, of.expiresAtMs, async () => {
      const [user] = await queryPrepared<Pick<RequestUser, 'role'>>(this.database.manager, LOGIN, [
        of.familyId,
        of.userId,
      ]);
      if (!user) throw new AppError('unauthenticated', 'The login of this token has ended');
      return { id: of.userId, role: user.role, credential: of.familyId };
    });
  }

  /** @throws AppError unauthenticated, token_expired */
  apiKey(key: string): RequestUser | Promise<RequestUser> {
    const known = this.keys.find(key);
    if (known) return known;
    if (!API_KEY_FORM.test(key)) throw new AppError('unauthenticated', 'This is no API key of ours');
    return this.keys.admit(key, Number.POSITIVE_INFINITY, () => this.findKey(hashOfKey(key)));
  }

  async standing(credentials: Credential[]): Promise<RequestUser[]> {
    const users = await this.database.query<(RequestUser & { scopes: Scope[] | null })[]>(STANDING, [
      credentials.map(({ credential }) => credential),
      credentials.map(({ id }) => id),
    ]);
    return users.map(({ scopes, ...user }) => ({ ...user, ...(scopes && { scopes }) }));
  }

  endLogin(familyId: string): void {
    this.logins.forget((user) => user.credential === familyId);
  }

  endLoginsOf(userId: string): void {
    this.logins.forget((user) => user.id === userId);
  }

  endApiKey(id: string): void {
    this.keys.forget((user) => user.credential === id);
  }

  endAllOf(userId: string): void {
    this.endLoginsOf(userId);
    this.keys.forget((user) => user.id === userId);
  }

  private async findKey(hash: string): Promise<RequestUser> {
    const [row] = await queryPrepared<KeyRow>(this.database.manager, API_KEY, [hash]);
    if (!row) throw new AppError('unauthenticated', 'There is no such API key');
    if (row.is_expired) throw new AppError('token_expired', 'The API key has expired');
    return { id: row.owner_id, role: row.role, scopes: row.scopes, credential: row.id };
  }
}

export const hashOfKey = (key: string): string => createHash('sha256').update(key).digest('hex');
