import { Injectable } from '@nestjs/common';
import { BatchReader, JobReader } from '@mediakiln/jobs';
import { MediaStore, MediaUrls } from '@mediakiln/media';
import { DataSource } from 'typeorm';
import { presentJob } from '../present/job.response';
import { type ProductRow, MOST_ROWS, presentBatchEvent, webhookBody } from '../present/webhook.body';
import type { ClaimedDelivery } from './delivery.store';

/** One more than are told. $1 batch. */
const ROWS = `
SELECT DISTINCT ON (row) row, serial_number, product_name FROM batch_image
WHERE batch_id = $1 ORDER BY row LIMIT ${MOST_ROWS + 1}`;

/** Renders what a delivery tells, from the rows as they are at its first try. */
@Injectable()
export class DeliveryBodies {
  constructor(
    private readonly jobs: JobReader,
    private readonly batches: BatchReader,
    private readonly media: MediaStore,
    private readonly database: DataSource,
    private readonly urls: MediaUrls,
  ) {}

  /** @returns null when what it tells of is gone. */
  async render(delivery: ClaimedDelivery): Promise<string | null> {
    const { owner_id, job_id, batch_id } = delivery;
    if (job_id !== null) return this.ofJob(delivery, owner_id, job_id);
    if (batch_id !== null) return this.ofBatch(delivery, owner_id, batch_id);
    return null;
  }

  private async ofJob(delivery: ClaimedDelivery, ownerId: string, jobId: string): Promise<string | null> {
    const job = await this.jobs.find(ownerId, jobId);
    if (!job) return null;
    const [trails, outputs, chains] = await Promise.all([
      this.jobs.trails([jobId]),
      this.media.outputsOf([jobId]),
      this.jobs.chains([job]),
    ]);
    const events = trails.get(jobId) ?? [];
    const chain = chains.get(job.chain_id ?? '');
    return webhookBody(
      delivery,
      presentJob(job, { progress: job.progress, events, outputs, chain }, this.urls),
    );
  }

  private async ofBatch(delivery: ClaimedDelivery, ownerId: string, batchId: string): Promise<string | null> {
    const batch = await this.batches.find(ownerId, batchId);
    if (!batch) return null;
    const rows = await this.database.query<ProductRow[]>(ROWS, [batchId]);
    const { data, flat } = presentBatchEvent(batch, rows, this.urls);
    return webhookBody(delivery, data, flat);
  }
}
