import { Injectable } from '@nestjs/common';
import { Log } from '@mediakiln/observability';
import { DataSource, type EntityManager } from 'typeorm';
import { insertDeliveries } from './deliveries.sql';

/**
 * Closes a batch that has no unsettled job left: once, whoever asks how often. The counts are taken from the jobs of its
 * images; the deliveries are written with it. $1 batch id.
 */
const CLOSE = `
WITH closed AS (
  UPDATE batch SET finished_at = now(), (status, images_processed, images_failed) = (
    SELECT
      CASE
        WHEN batch.canceled_at IS NOT NULL THEN 'canceled'
        WHEN count(*) = 0 OR count(*) FILTER (WHERE job.status = 'completed') = 0 THEN 'failed'
        WHEN count(*) FILTER (WHERE job.status <> 'completed') > 0 OR batch.errors <> '[]' THEN 'completed_with_errors'
        ELSE 'completed'
      END,
      count(*) FILTER (WHERE job.status = 'completed'), count(*) FILTER (WHERE job.status <> 'completed')
    FROM batch_image image JOIN job ON job.id = image.job_id
    WHERE image.batch_id = batch.id)
  WHERE id = $1 AND finished_at IS NULL AND (inserted_at IS NOT NULL OR canceled_at IS NOT NULL)
    AND NOT EXISTS (SELECT FROM job WHERE batch_id = $1 AND status IN ('pending', 'processing'))
  RETURNING *),
delivery AS (${insertDeliveries('closed', 'batch')})
SELECT CASE WHEN EXISTS (SELECT FROM delivery) THEN pg_notify('delivery', '') END FROM closed`;

@Injectable()
export class BatchCloser {
  constructor(
    private readonly database: DataSource,
    private readonly log: Log,
  ) {}

  /** After the commit of whatever may have been the last. Never fails: the sweeper asks again. */
  async close(batchId: string): Promise<void> {
    try {
      await this.closeIn(this.database.manager, batchId);
    } catch (error) {
      this.log.warn('batch could not be closed, the sweeper will', { batch_id: batchId, err: error });
    }
  }

  /** @returns whether it was closed now. */
  async closeIn(tx: EntityManager, batchId: string): Promise<boolean> {
    const closed = await tx.query<unknown[]>(CLOSE, [batchId]);
    if (closed.length > 0) this.log.info('batch closed', { batch_id: batchId });
    return closed.length > 0;
  }
}
