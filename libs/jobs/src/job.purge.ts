import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';

/**
 * Removes the jobs of an account that is gone, whatever their state. A worker that holds one finds no row within a
 * second, ends its engine and can settle nothing any more. Rows that somebody works on at this moment are skipped, so
 * that nobody waits for anybody in a circle: come back until none is left.
 */
const REMOVE = `
WITH gone AS (
  DELETE FROM job WHERE id IN (
    SELECT id FROM job WHERE owner_id = $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
  RETURNING id)
SELECT pg_notify('job', id::text) FROM gone`;

@Injectable()
export class JobPurge {
  /** @returns how many were removed, at most `limit`. */
  async remove(tx: EntityManager, ownerId: string, limit: number): Promise<number> {
    const gone = await tx.query<unknown[]>(REMOVE, [ownerId, limit]);
    return gone.length;
  }
}
