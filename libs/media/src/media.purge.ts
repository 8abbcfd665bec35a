import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { UNNAMED } from './object.sweep';

/** Links and thumbnails go with it. Rows that somebody works on are skipped: come back until none is left. */
const REMOVE = `
DELETE FROM media WHERE id IN (
  SELECT id FROM media WHERE owner_id = $1 AND thumbnail_of IS NULL ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)`;

/** The next sweep takes them, without the hour that an upload may take between its bytes and its row. */
const RELEASE = `
UPDATE object SET touched_at = to_timestamp(0) WHERE (owner_id, sha256) IN (
  SELECT owner_id, sha256 FROM object o
  WHERE owner_id = $1 AND touched_at > to_timestamp(0)
    AND ${UNNAMED}
  FOR NO KEY UPDATE SKIP LOCKED)`;

/** Removes the media of an account that is gone, and lets go of their bytes. */
@Injectable()
export class MediaPurge {
  /** @returns how many were removed, at most `limit`. */
  async remove(tx: EntityManager, ownerId: string, limit: number): Promise<number> {
    const [, removed] = await tx.query<[unknown, number]>(REMOVE, [ownerId, limit]);
    await tx.query(RELEASE, [ownerId]);
    return removed;
  }
}
