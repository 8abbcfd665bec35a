import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Job, Media, type SweepDuty, SweepingDuty } from '@mediakiln/entities';
import { JobPurge } from '@mediakiln/jobs';
import { MediaPurge } from '@mediakiln/media';
import { DataSource, type EntityManager } from 'typeorm';

const BATCH = 1_000;
/** A row is skipped while somebody works on it, which is over in no time: so often it is worth another look. */
const IDLE_ROUNDS = 20;
const IDLE_PAUSE_MS = 100;

/** Removes what a deleted account owned. Links, thumbnails and trails go with their media and jobs. */
@Injectable()
export class AccountPurge {
  constructor(
    private readonly database: DataSource,
    private readonly jobs: JobPurge,
    private readonly media: MediaPurge,
  ) {}

  /** All that is there now. What an upload in flight still inserts is left to the sweeper. */
  async all(ownerId: string): Promise<void> {
    for (let idle = 0; idle < IDLE_ROUNDS;) {
      if ((await this.database.transaction((tx) => this.batch(tx, ownerId))) > 0) continue;
      if (!(await this.isAnythingLeft(ownerId))) return;
      idle += 1;
      await sleep(IDLE_PAUSE_MS);
    }
  }

  /** @returns how many rows were removed. */
  async batch(tx: EntityManager, ownerId: string): Promise<number> {
    // Jobs first: one that is being settled inserts its outputs, which the next statement sees.
    const jobs = await this.jobs.remove(tx, ownerId, BATCH);
    return jobs + (await this.media.remove(tx, ownerId, BATCH));
  }

  private async isAnythingLeft(ownerId: string): Promise<boolean> {
    const { manager } = this.database;
    const of = { owner_id: ownerId };
    return (await manager.existsBy(Job, of)) || (await manager.existsBy(Media, of));
  }
}

const ACCOUNTS_AT_ONCE = 1_000;
const OWNED = ['job', 'media', 'object', 'share_link'] as const;

/** Removes what arrived for a deleted account after its deletion, and in the end its row. */
@Injectable()
@SweepingDuty()
export class DeletedAccounts implements SweepDuty {
  readonly name = 'deleted_accounts';
  readonly everyMs = 15_000;
  /** Until then the row stays, so that a late insert finds its owner and is tidied up like any other. */
  graceMs = 3_600_000;

  constructor(private readonly purge: AccountPurge) {}

  async sweep(tx: EntityManager): Promise<number> {
    const accounts = await tx.query<{ id: string }[]>(
      `SELECT id FROM "user" WHERE deleted_at IS NOT NULL ORDER BY deleted_at LIMIT ${ACCOUNTS_AT_ONCE}`,
    );
    let removed = 0;
    for (const { id } of accounts) removed += await this.purge.batch(tx, id);
    return removed + (await this.removeRows(tx));
  }

  private async removeRows(tx: EntityManager): Promise<number> {
    const past = await tx.query<{ id: string }[]>(
      `SELECT id FROM "user" WHERE deleted_at < now() - $1 * interval '1 ms'
       ORDER BY deleted_at LIMIT ${ACCOUNTS_AT_ONCE} FOR UPDATE SKIP LOCKED`,
      [this.graceMs],
    );
    // Asked under the lock, in a statement of its own: an insert that was committed in between is seen.
    const isFree = OWNED.map((table) => `NOT EXISTS (SELECT FROM ${table} o WHERE o.owner_id = u.id)`);
    const [, removed] = await tx.query<[unknown, number]>(
      `DELETE FROM "user" u WHERE id = ANY ($1) AND ${isFree.join(' AND ')}`,
      [past.map(({ id }) => id)],
    );
    return removed;
  }
}
