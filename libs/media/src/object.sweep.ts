import { Injectable } from '@nestjs/common';
import { type SweepDuty, SweepingDuty } from '@mediakiln/entities';
import { Storage, objectKey } from '@mediakiln/storage';
import type { EntityManager } from 'typeorm';

interface ObjectId {
  owner_id: string;
  sha256: string;
}

const AT_ONCE = 200;
const IDS = 'SELECT * FROM unnest($1::uuid[], $2::text[])';

/** Of an object `o`: what keeps its bytes. Each of them is a foreign key as well. */
export const UNNAMED = `
  NOT EXISTS (SELECT FROM media m WHERE m.owner_id = o.owner_id AND m.sha256 = o.sha256)
  AND NOT EXISTS (SELECT FROM batch b WHERE b.owner_id = o.owner_id AND b.csv_sha256 = o.sha256)`;

/**
 * Deletes objects that no media and no batch names and that nobody put within the grace time: the only place where bytes
 * go away.
 */
@Injectable()
@SweepingDuty()
export class ObjectSweep implements SweepDuty {
  readonly name = 'release_objects';
  readonly everyMs = 15_000;
  /** How long a put may wait for its media or batch to be inserted. */
  graceMs = 3_600_000;

  constructor(private readonly storage: Storage) {}

  async sweep(tx: EntityManager): Promise<number> {
    const locked = await this.lock(tx, await this.findUnowned(tx));
    // Asked again under the lock: a media that was committed between the search and the lock is seen only by a new
    // statement, because taking a reference leaves the object's row unchanged. From here on none can be added.
    const unowned = await this.stillUnowned(tx, locked);
    // Bytes first: when this transaction fails, a row without bytes remains, which the next put or sweep mends.
    for (const { owner_id, sha256 } of unowned) {
      await assertLocked(tx);
      await this.storage.delete(objectKey(owner_id, sha256));
    }
    await tx.query(`DELETE FROM object WHERE (owner_id, sha256) IN (${IDS})`, columns(unowned));
    return unowned.length;
  }

  private findUnowned(tx: EntityManager): Promise<ObjectId[]> {
    return tx.query<ObjectId[]>(
      `SELECT owner_id, sha256 FROM object o
       WHERE touched_at < now() - $1 * interval '1 ms'
         AND ${UNNAMED}
       ORDER BY touched_at LIMIT ${AT_ONCE}`,
      [this.graceMs],
    );
  }

  /** Conflicts with the FOR KEY SHARE that inserting a media or a batch takes: those in flight are skipped. */
  private lock(tx: EntityManager, ids: ObjectId[]): Promise<ObjectId[]> {
    return tx.query<ObjectId[]>(
      `SELECT owner_id, sha256 FROM object
       WHERE (owner_id, sha256) IN (${IDS}) AND touched_at < now() - $3 * interval '1 ms'
       FOR UPDATE SKIP LOCKED`,
      [...columns(ids), this.graceMs],
    );
  }

  private stillUnowned(tx: EntityManager, ids: ObjectId[]): Promise<ObjectId[]> {
    return tx.query<ObjectId[]>(
      `SELECT owner_id, sha256 FROM (${IDS}) AS o (owner_id, sha256)
       WHERE ${UNNAMED}`,
      columns(ids),
    );
  }
}

/**
 * The locks are gone with the session, as when PostgreSQL restarts or has seen nothing of us for a lease, and whoever
 * puts the same bytes then finds them in place. A statement fails in a session that is gone, and keeps the other from
 * being idle however long the whole batch takes.
 */
async function assertLocked(tx: EntityManager): Promise<void> {
  await tx.query('SELECT');
}

function columns(ids: ObjectId[]): [string[], string[]] {
  return [ids.map(({ owner_id }) => owner_id), ids.map(({ sha256 }) => sha256)];
}
