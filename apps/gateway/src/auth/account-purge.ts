import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import {
  Batch,
  Job,
  Media,
  type SweepDuty,
  SweepingDuty,
  WebhookDelivery,
  WebhookEndpoint,
} from '@mediakiln/entities';
import { JobPurge } from '@mediakiln/jobs';
import { MediaPurge } from '@mediakiln/media';
import { DataSource, type EntityManager } from 'typeorm';

const AT_ONCE = 1_000;
/** A list may have fifty thousand images, which go with it. */
const LISTS_AT_ONCE = 2;
/** A row is skipped while somebody works on it, which is over in no time: so often it is worth another look. */
const IDLE_ROUNDS = 20;
const IDLE_PAUSE_MS = 100;

/** Rows that somebody works on at this moment are skipped: nobody waits for anybody in a circle. $1 owner, $2 how many. */
const REMOVE_LISTS = `
DELETE FROM batch WHERE id IN (
  SELECT id FROM batch WHERE owner_id = $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)`;

const REMOVE_DELIVERIES = `
DELETE FROM webhook_delivery WHERE id IN (
  SELECT id FROM webhook_delivery WHERE owner_id = $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)`;

/** Not while a delivery is left, which would be removed with it and may be with its sender. */
const REMOVE_ENDPOINTS = `
DELETE FROM webhook_endpoint WHERE id IN (
  SELECT id FROM webhook_endpoint endpoint WHERE owner_id = $1
    AND NOT EXISTS (SELECT FROM webhook_delivery WHERE endpoint_id = endpoint.id)
  ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)`;

/** Removes what a deleted account owned. Links, thumbnails, trails and the like go with the rows that they belong to. */
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
      if ((await this.database.transaction((tx) => this.round(tx, ownerId))) > 0) continue;
      if (!(await this.isAnythingLeft(ownerId))) return;
      idle += 1;
      await sleep(IDLE_PAUSE_MS);
    }
  }

  /** @returns how many rows were removed. */
  async round(tx: EntityManager, ownerId: string): Promise<number> {
    // Lists first: one that is being inserted finds its row gone, and inserts no more.
    let removed = await some(tx, REMOVE_LISTS, ownerId, LISTS_AT_ONCE);
    // Jobs before media: one that is being settled inserts its outputs, which the later statement sees.
    removed += await this.jobs.remove(tx, ownerId, AT_ONCE);
    removed += await some(tx, REMOVE_DELIVERIES, ownerId, AT_ONCE);
    removed += await some(tx, REMOVE_ENDPOINTS, ownerId, AT_ONCE);
    // In the end it lets go of the objects that nothing names any more.
    return removed + (await this.media.remove(tx, ownerId, AT_ONCE));
  }

  private async isAnythingLeft(ownerId: string): Promise<boolean> {
    const { manager } = this.database;
    const of = { owner_id: ownerId };
    for (const entity of [Job, Batch, WebhookDelivery, WebhookEndpoint, Media])
      if (await manager.existsBy(entity, of)) return true;
    return false;
  }
}

async function some(tx: EntityManager, statement: string, ownerId: string, limit: number): Promise<number> {
  const [, removed] = await tx.query<[unknown, number]>(statement, [ownerId, limit]);
  return removed;
}

const ACCOUNTS_AT_ONCE = 1_000;
const OWNED = ['job', 'batch', 'media', 'object', 'share_link'] as const;

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
    for (const { id } of accounts) removed += await this.purge.round(tx, id);
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
