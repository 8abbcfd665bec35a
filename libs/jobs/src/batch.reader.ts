import { Injectable } from '@nestjs/common';
import { Batch } from '@mediakiln/entities';
import { DataSource, In } from 'typeorm';

/** A batch and how far it is: after its closing the counts are frozen, until then they are those of its jobs. */
export type BatchSnapshot = Omit<Batch, 'images_processed' | 'images_failed'> & {
  images_processed: number;
  images_failed: number;
};

/** $1 batch ids. */
const COUNTS = `
SELECT image.batch_id, count(*) FILTER (WHERE job.status = 'completed')::int AS images_processed,
  count(*) FILTER (WHERE job.status IN ('failed', 'canceled'))::int AS images_failed
FROM batch_image image JOIN job ON job.id = image.job_id
WHERE image.batch_id = ANY ($1)
GROUP BY image.batch_id`;

type Counts = Pick<BatchSnapshot, 'images_processed' | 'images_failed'> & { batch_id: string };

/** Reads batches for their owners. */
@Injectable()
export class BatchReader {
  constructor(private readonly database: DataSource) {}

  async find(ownerId: string, id: string): Promise<BatchSnapshot | null> {
    const [batch] = await this.counted(await this.rows({ ownerId, ids: [id] }));
    return batch ?? null;
  }

  private rows({ ownerId, ids }: { ownerId: string; ids: string[] }): Promise<Batch[]> {
    return this.database.manager.findBy(Batch, { owner_id: ownerId, id: In(ids) });
  }

  private async counted(batches: readonly Batch[]): Promise<BatchSnapshot[]> {
    const open = batches.filter((batch) => batch.images_processed === null).map((batch) => batch.id);
    const counts = open.length === 0 ? [] : await this.database.query<Counts[]>(COUNTS, [open]);
    return batches.map((batch) => {
      const { images_processed, images_failed } = batch;
      if (images_processed !== null && images_failed !== null)
        return { ...batch, images_processed, images_failed };
      const now = counts.find((one) => one.batch_id === batch.id);
      return {
        ...batch,
        images_processed: now?.images_processed ?? 0,
        images_failed: now?.images_failed ?? 0,
      };
    });
  }
}
