import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { AppError, type Topic, sourcesOf } from '@mediakiln/contracts';
import { Log, Meter } from '@mediakiln/observability';
import { DataSource, type EntityManager } from 'typeorm';
import { BatchCloser } from './batch.closer';
import { CANCEL_BATCH, CANCEL_OF_BATCH, HAS_UNSETTLED, RETRY_OF_BATCH } from './batch.sql';

/** So many rows are locked at a time: a worker that renews one of them waits for no longer. */
const AT_ONCE = 1_000;
/** A request that takes longer leaves the rest to the sweeper. */
const CANCEL_WITHIN_MS = 10_000;
const BUSY_PAUSE_MS = 20;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

const CANCELED = new AppError('conflict', 'The batch was canceled');

/** What is done to the jobs of a batch together, beside JobStore and by the same table of moves. */
@Injectable()
export class BatchMoves {
  constructor(
    private readonly database: DataSource,
    private readonly closer: BatchCloser,
    private readonly meter: Meter,
    private readonly log: Log,
  ) {}

  /**
   * Ends whatever of the batch has not ended. The word is written first: insertion stops at it, and the sweeper goes on
   * when this process does not come to the end.
   * @returns false when the batch was closed already.
   */
  async cancel(ownerId: string, id: string): Promise<boolean> {
    const [, marked] = await this.database.query<[unknown[], number]>(CANCEL_BATCH, [id, ownerId]);
    if (marked === 0) return false;
    const deadline = performance.now() + CANCEL_WITHIN_MS;
    let canceled = 0;
    let last: string | undefined;
    do {
      const some = await this.cancelSome(this.database.manager, id, last);
      canceled += some.length;
      last = some.at(-1);
      if (last !== undefined) continue;
      if (!(await this.hasUnsettled(id))) break;
      await sleep(BUSY_PAUSE_MS);
    } while (performance.now() < deadline);
    this.log.info('batch canceled', { batch_id: id, owner_id: ownerId, jobs: canceled });
    await this.closer.close(id);
    return true;
  }

  /**
   * A part of the jobs of a canceled batch. Those that somebody moves at this moment are left for the next time.
   * @returns which, in order.
   */
  async cancelSome(tx: EntityManager, id: string, after = FIRST_ID): Promise<string[]> {
    const moved = await tx.query<{ id: string; operation: string }[]>(CANCEL_OF_BATCH, [
      id,
      sourcesOf('canceled', 'canceled_by_user'),
      CANCELED.code,
      CANCELED.detail,
      AT_ONCE,
      after,
    ]);
    const [first] = moved;
    // All jobs of a batch are of one operation.
    if (first) this.meter.jobs.inc({ operation: first.operation, status: 'canceled' }, moved.length);
    return moved.map((job) => job.id);
  }

  /**
   * What failed or was canceled runs again, what a cancel kept out is inserted after all, and the batch is open until
   * that has ended. In one transaction, since a batch half of which still waits would close too early.
   * @returns what to ring. @throws AppError batch_not_retryable
   */
  async retryFailed(ownerId: string, id: string): Promise<Map<Topic, number>> {
    const rings = await this.database.transaction(async (tx) => {
      // The jobs before their batch, in the order of JobStore.retry.
      const moved = await tx.query<{ topic: Topic; due: number }[]>(RETRY_OF_BATCH, [
        id,
        ownerId,
        sourcesOf('pending', 'retried_by_hand'),
      ]);
      if (!(await this.closer.reopenIn(tx, id, moved.length > 0 ? 'failed' : 'kept_out')))
        throw new AppError('batch_not_retryable', 'Nothing in it has failed, or it is just being canceled');
      return new Map(moved.map(({ topic, due }) => [topic, due]));
    });
    this.log.info('batch retried', { batch_id: id, owner_id: ownerId, jobs: sum(rings.values()) });
    return rings;
  }

  private async hasUnsettled(id: string): Promise<boolean> {
    return (await this.database.query<unknown[]>(HAS_UNSETTLED, [id])).length > 0;
  }
}

const sum = (counts: Iterable<number>): number => [...counts].reduce((total, count) => total + count, 0);
