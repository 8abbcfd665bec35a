import { Injectable } from '@nestjs/common';
import type { ErrorCode, JobStatus } from '@mediakiln/contracts';
import { Batch, type Media } from '@mediakiln/entities';
import { MediaStore } from '@mediakiln/media';
import { DataSource, In } from 'typeorm';
import { type BatchFilter, listBatches } from './batch.list';

/** A batch and how far it is: after its closing the counts are frozen, until then they are those of its jobs. */
export type BatchSnapshot = Omit<Batch, 'images_processed' | 'images_failed'> & {
  images_processed: number;
  images_failed: number;
};

/** One address of one row, with what became of it. */
export interface BatchImageSnapshot {
  row: number;
  position: number;
  url: string;
  serial_number: string | null;
  product_name: string | null;
  job_id: string;
  status: JobStatus;
  error_code: ErrorCode | null;
  error_detail: string | null;
  report: Record<string, unknown> | null;
  /** Null as well when it was deleted since. */
  output: Media | null;
}

/** The keyset of a batch's images. */
export interface ImagePosition {
  row: number;
  position: number;
}

/** $1 batch ids. */
const COUNTS = `
SELECT image.batch_id, count(*) FILTER (WHERE job.status = 'completed')::int AS images_processed,
  count(*) FILTER (WHERE job.status IN ('failed', 'canceled'))::int AS images_failed
FROM batch_image image JOIN job ON job.id = image.job_id
WHERE image.batch_id = ANY ($1)
GROUP BY image.batch_id`;

/** In the order of the list. $1 batch id, $2 row and $3 position to go on after, $4 how many. */
const IMAGES = `
SELECT image.row, image.position, image.url, image.serial_number, image.product_name, image.job_id,
  job.status, job.report,
  CASE WHEN job.status <> 'completed' THEN job.error_code END AS error_code,
  CASE WHEN job.status <> 'completed' THEN job.error_detail END AS error_detail
FROM batch_image image JOIN job ON job.id = image.job_id
WHERE image.batch_id = $1 AND (image.row, image.position) > ($2, $3)
ORDER BY image.row, image.position LIMIT $4`;

type Counts = Pick<BatchSnapshot, 'images_processed' | 'images_failed'> & { batch_id: string };

const START: ImagePosition = { row: 0, position: 0 };

/** Reads batches for their owners. */
@Injectable()
export class BatchReader {
  constructor(
    private readonly database: DataSource,
    private readonly media: MediaStore,
  ) {}

  async find(ownerId: string, id: string): Promise<BatchSnapshot | null> {
    const [batch] = await this.counted(
      await this.database.manager.findBy(Batch, { owner_id: ownerId, id: In([id]) }),
    );
    return batch ?? null;
  }

  async latest(ownerId: string): Promise<BatchSnapshot | null> {
    const [batch] = await this.list(ownerId, { limit: 1 });
    return batch ?? null;
  }

  async list(ownerId: string, filter: BatchFilter): Promise<BatchSnapshot[]> {
    return this.counted(await listBatches(this.database.manager, ownerId, filter).getMany());
  }

  /** The caller has made sure that the batch is its user's. */
  async images(batchId: string, limit: number, after = START): Promise<BatchImageSnapshot[]> {
    const images = await this.database.query<Omit<BatchImageSnapshot, 'output'>[]>(IMAGES, [
      batchId,
      after.row,
      after.position,
      limit,
    ]);
    const done = images.filter(({ status }) => status === 'completed').map(({ job_id }) => job_id);
    const outputs = await this.media.outputsOf([...new Set(done)]);
    const byJob = new Map(outputs.map((output) => [output.job_id, output]));
    return images.map((image) => ({ ...image, output: byJob.get(image.job_id) ?? null }));
  }

  private async counted(batches: readonly Batch[]): Promise<BatchSnapshot[]> {
    const open = batches.filter((batch) => batch.images_processed === null).map((batch) => batch.id);
    const counts = open.length === 0 ? [] : await this.database.query<Counts[]>(COUNTS, [open]);
    const byBatch = new Map(counts.map((one) => [one.batch_id, one]));
    return batches.map((batch) => {
      const { images_processed, images_failed } = { ...batch, ...byBatch.get(batch.id) };
      return {
        ...batch,
        status: statusOf(batch),
        images_processed: images_processed ?? 0,
        images_failed: images_failed ?? 0,
      };
    });
  }
}

/** The row says how a batch ended; until then it is `processing` from its first rows on. */
const statusOf = ({ status, finished_at, rows_inserted }: Batch): Batch['status'] => {
  if (finished_at) return status;
  return rows_inserted > 0 ? 'processing' : 'pending';
};
