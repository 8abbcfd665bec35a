import { createHmac, hkdfSync } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import type { Scope } from '@mediakiln/contracts';
import { ApiKey } from '@mediakiln/entities';
import { DataSource, type EntityManager } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { holdOwner, insertKey } from './api-key.rows';
import { hashOfKey } from './standing';
import { Tries } from './tries';

/** What its owner reads in the list of their keys. */
const NAME = 'api-token-auth';
/** What the clients do that ask for such a token. */
const SCOPES: Scope[] = ['media:read', 'media:write', 'jobs:read', 'jobs:write', 'links:read', 'links:write'];

/**
 * The one API key of an account that can be told again: programs of old log in each time that they start, and expect
 * the same token. Its secret is made from its id with the server's own, so that here too only a hash is kept.
 */
@Injectable()
export class LastingTokenService {
  private readonly secret: Buffer;

  constructor(
    config: AppConfig,
    private readonly database: DataSource,
    private readonly tries: Tries,
  ) {
    this.secret = Buffer.from(hkdfSync('sha256', config.jwtSecret, '', 'mediakiln lasting tokens', 32));
  }

  /**
   * @returns the same as before, until its key is deleted or JWT_SECRET changed; then another one.
   * @throws AppError invalid_credentials, too_many_requests, conflict
   */
  async tokenOf(email: string, password: string, ip: string): Promise<string> {
    const user = await this.tries.login(email.trim().toLowerCase(), password, ip);
    return this.database.transaction(async (tx) => {
      await holdOwner(tx, user.id);
      return (await this.known(tx, user.id)) ?? (await this.make(tx, user.id));
    });
  }

  /** Whatever a key is called: it is ours when its hash is that of what we make from its id. */
  private async known(tx: EntityManager, ownerId: string): Promise<string | undefined> {
    const rows = await tx.find(ApiKey, { where: { owner_id: ownerId }, order: { id: 'DESC' } });
    const row = rows.find(({ id, key_hash }) => hashOfKey(this.derive(id)) === key_hash);
    return row && this.derive(row.id);
  }

  private async make(tx: EntityManager, ownerId: string): Promise<string> {
    const id = uuidv7();
    const key = this.derive(id);
    await insertKey(tx, { id, owner_id: ownerId, name: NAME, scopes: SCOPES, expires_at: null, key });
    return key;
  }

  private derive(keyId: string): string {
    return `mk_${createHmac('sha256', this.secret).update(keyId).digest('base64url')}`;
  }
}
