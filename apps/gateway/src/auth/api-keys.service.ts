import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { ApiKey } from '@mediakiln/entities';
import { DataSource, LessThan } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { type PageQuery, decodeIdCursor } from '../http/page';
import { holdOwner, insertKey } from './api-key.rows';
import type { ApiKeyRequest } from './api-keys.dto';
import { Standing } from './standing';

const SECRET_BYTES = 32;

/** Secrets for programs. Only their hashes are kept. */
@Injectable()
export class ApiKeysService {
  constructor(
    private readonly database: DataSource,
    private readonly standing: Standing,
  ) {}

  /** @returns the row and the key, which nobody can tell again. @throws AppError conflict */
  async create(
    ownerId: string,
    { name, scopes, expires_at }: ApiKeyRequest,
  ): Promise<{ row: ApiKey; key: string }> {
    const key = `mk_${randomBytes(SECRET_BYTES).toString('base64url')}`;
    const row = await this.database.transaction(async (tx) => {
      await holdOwner(tx, ownerId);
      const id = uuidv7();
      return insertKey(tx, { id, owner_id: ownerId, name, scopes, expires_at: expires_at ?? null, key });
    });
    return { row, key };
  }

  /** Newest first; one row more than `limit` tells that there is another page. */
  list(ownerId: string, { limit, cursor }: PageQuery): Promise<ApiKey[]> {
    const before = decodeIdCursor(cursor);
    return this.database.manager.find(ApiKey, {
      where: { owner_id: ownerId, ...(before && { id: LessThan(before) }) },
      order: { id: 'DESC' },
      take: limit + 1,
    });
  }

  /** `latest` is the caller's newest. @throws AppError not_found */
  async delete(ownerId: string, id: string): Promise<void> {
    const [[gone]] = await this.database.query<[{ id: string }[], number]>(
      `DELETE FROM api_key WHERE owner_id = $1 AND id::text = CASE WHEN $2 = 'latest'
         THEN (SELECT id::text FROM api_key WHERE owner_id = $1 ORDER BY id DESC LIMIT 1) ELSE lower($2) END
       RETURNING id`,
      [ownerId, id],
    );
    if (!gone) throw new AppError('not_found', 'There is no API key with this id');
    this.standing.endApiKey(gone.id);
  }
}
