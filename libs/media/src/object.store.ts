import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { type PreparedStatement, queryPrepared } from '@mediakiln/entities';
import { Storage, type StagedFile, objectKey } from '@mediakiln/storage';
import { DataSource, QueryFailedError } from 'typeorm';
import { UNNAMED } from './object.sweep';

const FOREIGN_KEY_VIOLATION = '23503';

/**
 * The row is first and committed: bytes without a row would be nobody's, and the touch keeps the sweeper away. It need
 * not be on the disk yet: the commit that inserts the media takes everything before it along. What is lost when
 * PostgreSQL dies in between are bytes without a row, which the sweeper of orphans knows.
 */
const TOUCH: PreparedStatement = {
  name: 'touch_object',
  text: `
WITH quickly AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO object (owner_id, sha256, bytes) SELECT $1::uuid, $2::text, $3::bigint FROM quickly
ON CONFLICT (owner_id, sha256) DO UPDATE SET touched_at = now()`,
};

const LET_GO = `
UPDATE object o SET touched_at = to_timestamp(0) WHERE owner_id = $1 AND sha256 = $2 AND ${UNNAMED}`;

/** Writes bytes and the rows that stand for them; equal bytes of one owner are kept once. */
@Injectable()
export class ObjectStore {
  constructor(
    private readonly dataSource: DataSource,
    private readonly storage: Storage,
  ) {}

  /**
   * Makes sure that the owner has these bytes. The staged file stays: insert the media next, and when that fails with
   * `isObjectGone`, put again.
   */
  async put(ownerId: string, staged: StagedFile): Promise<void> {
    await queryPrepared(this.dataSource.manager, TOUCH, [ownerId, staged.sha256, staged.bytes]);
    const key = objectKey(ownerId, staged.sha256);
    const present = await this.storage.stat(key);
    if (present?.bytes === staged.bytes) return;
    // A file of another size under a content address is damaged, and here are the right bytes.
    if (present) await this.storage.delete(key);
    await this.storage.put(key, staged);
    const stored = await this.storage.stat(key);
    if (stored?.bytes !== staged.bytes)
      throw new AppError('storage_unavailable', undefined, {
        cause: new Error(`${key} has ${stored?.bytes ?? 'no'} bytes after a put of ${staged.bytes}`),
      });
  }

  /**
   * Of bytes that were put and are not to be kept: the next sweep takes them, unless something names them. Whoever puts
   * the same at this moment finds them gone when they insert, and puts again.
   */
  async letGo(ownerId: string, { sha256 }: Pick<StagedFile, 'sha256'>): Promise<void> {
    await this.dataSource.query(LET_GO, [ownerId, sha256]);
  }
}

/** Whether inserting a media or a batch failed because its object was swept after the put: put again and repeat the transaction. */
export function isObjectGone(error: unknown): boolean {
  if (!(error instanceof QueryFailedError)) return false;
  const { code, constraint } = error.driverError as Error & { code?: string; constraint?: string };
  return (
    code === FOREIGN_KEY_VIOLATION && (constraint === 'media_object_fkey' || constraint === 'batch_csv_fkey')
  );
}
