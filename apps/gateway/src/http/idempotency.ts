import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { IdempotencyKey, type SweepDuty, SweepingDuty } from '@mediakiln/entities';
import { DataSource, type EntityManager } from 'typeorm';
import type { KeyedRequest } from './idempotency-key';

/** For so long a repeated request is known as one. */
const KEPT = `interval '24 hours'`;
const RETRY_AFTER_SECONDS = 1;

const FIND = `
SELECT request_hash, resource_id FROM idempotency_key
WHERE owner_id = $1 AND key = $2 AND created_at > now() - ${KEPT}`;

/** There may be a row whose day is over, which the sweeper has not met yet. */
const KEEP = `
INSERT INTO idempotency_key (owner_id, key, request_hash, resource_id) VALUES ($1, $2, $3, $4)
ON CONFLICT (owner_id, key) DO UPDATE SET
  request_hash = excluded.request_hash, resource_id = excluded.resource_id, created_at = now()`;

/** What the request made, or what an earlier one with its key did, as it is now. */
export interface Answered<T> {
  resource: T;
  isReplay: boolean;
}

/** `made` now, or the id of what an earlier request with this key made. */
export type Once<T> = { made: T } | { madeBefore: string };

/**
 * Makes a resource once per key. The key's row is written in the resource's own transaction, so there is never one
 * without the other, and a request that failed may be repeated.
 */
@Injectable()
export class Idempotency {
  constructor(private readonly database: DataSource) {}

  /**
   * Ask this first: a repeat needs none of the checks that making the resource needs.
   * @returns the id of what an earlier request made.
   * @throws AppError idempotency_key_reused
   */
  async madeBefore(request: KeyedRequest | undefined): Promise<string | undefined> {
    return request && find(this.database.manager, request);
  }

  /**
   * @param create runs in the transaction of the key; without a key there is none, and it opens what it needs.
   * @param ifBusy what to do while another request with this key runs: where making takes no time, wait for its end.
   * @throws AppError idempotency_key_in_use, idempotency_key_reused
   */
  async once<T extends { id: string }>(
    request: KeyedRequest | undefined,
    create: (tx: EntityManager) => Promise<T>,
    ifBusy: 'refuse' | 'wait' = 'refuse',
  ): Promise<Once<T>> {
    if (!request) return { made: await create(this.database.manager) };
    return this.database.transaction(async (tx) => {
      await lock(tx, request, ifBusy);
      const madeBefore = await find(tx, request);
      if (madeBefore !== undefined) return { madeBefore };
      const made = await create(tx);
      await tx.query(KEEP, [request.owner_id, request.key, request.request_hash, made.id]);
      return { made };
    });
  }

  /** For a resource that turned out not to be what was asked for, and is taken back: the same key may try anew. */
  async forget(ownerId: string, resourceId: string): Promise<void> {
    await this.database.manager.delete(IdempotencyKey, { owner_id: ownerId, resource_id: resourceId });
  }
}

async function lock(tx: EntityManager, { owner_id, key }: KeyedRequest, ifBusy: 'refuse' | 'wait') {
  const name = `mediakiln:idempotency:${owner_id}:${key}`;
  if (ifBusy === 'wait') {
    await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [name]);
    return;
  }
  const [row] = await tx.query<[{ taken: boolean }]>(
    'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS taken',
    [name],
  );
  if (!row.taken)
    throw new AppError('idempotency_key_in_use', undefined, {
      headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
    });
}

async function find(tx: EntityManager, request: KeyedRequest): Promise<string | undefined> {
  const [row] = await tx.query<{ request_hash: string; resource_id: string }[]>(FIND, [
    request.owner_id,
    request.key,
  ]);
  if (row && row.request_hash !== request.request_hash)
    throw new AppError(
      'idempotency_key_reused',
      'Another request came with this Idempotency-Key in the last 24 hours; a new request needs a new key',
    );
  return row?.resource_id;
}

/** What a repeat gets when the resource was deleted since: making it again is not what the key is for. */
export const goneSince = (): AppError =>
  new AppError('not_found', 'What the first request with this Idempotency-Key made has been deleted since');

@SweepingDuty()
@Injectable()
export class OldIdempotencyKeys implements SweepDuty {
  readonly name = 'old_idempotency_keys';
  readonly everyMs = 600_000;

  async sweep(tx: EntityManager): Promise<number> {
    const [, removed] = await tx.query<[unknown, number]>(
      `DELETE FROM idempotency_key WHERE created_at <= now() - ${KEPT}`,
    );
    return removed;
  }
}
