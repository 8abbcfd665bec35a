import { Injectable } from '@nestjs/common';
import { type Batch, queryPrepared } from '@mediakiln/entities';
import { Log } from '@mediakiln/observability';
import { DataSource, type EntityManager } from 'typeorm';
import { CLOSE_BATCH, LOCK_OPEN_BATCH, REOPEN_BATCH } from './batch.sql';

type Closed = Pick<Batch, 'status' | 'images_processed' | 'images_failed'>;

/** Ends batches, and opens them again: the one writer of their end. */
@Injectable()
export class BatchCloser {
  constructor(
    private readonly database: DataSource,
    private readonly log: Log,
  ) {}

  /** After the commit of whatever may have been the last. Never fails: the sweeper asks again. */
  async close(batchId: string): Promise<void> {
    try {
      await this.database.transaction((tx) => this.closeIn(tx, batchId));
    } catch (error) {
      this.log.warn('batch could not be closed, the sweeper will', { batch_id: batchId, err: error });
    }
  }

  /**
   * First waits for whoever is at the batch, then looks at its jobs: one statement alone would close, by what it saw
   * before, a batch that a retry has just opened again. @returns whether it was closed now.
   */
  async closeIn(tx: EntityManager, batchId: string): Promise<boolean> {
    const [open] = await tx.query<unknown[]>(LOCK_OPEN_BATCH, [batchId]);
    if (!open) return false;
    const [closed] = await queryPrepared<Closed>(tx, CLOSE_BATCH, [batchId]);
    if (!closed) return false;
    const { status, images_processed, images_failed } = closed;
    this.log.info('batch closed', { batch_id: batchId, status, images_processed, images_failed });
    return true;
  }

  /** In the transaction that gives it work again. @returns false when there is nothing to open. */
  async reopenIn(tx: EntityManager, batchId: string, why: 'job' | 'failed' | 'kept_out'): Promise<boolean> {
    const [, opened] = await tx.query<[unknown[], number]>(REOPEN_BATCH, [batchId, why]);
    return opened > 0;
  }
}
