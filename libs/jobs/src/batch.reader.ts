import { performance } from 'node:perf_hooks';
import { Injectable } from '@nestjs/common';
import type { ErrorCode, JobStatus } from '@mediakiln/contracts';
import { Batch, type Media } from '@mediakiln/entities';
import { MediaStore } from '@mediakiln/media';
import { DataSource } from 'typeorm';
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

/**
 * Of the jobs, without a look at the images: at 50,000 of them that is a third of the time that joining them takes.
 * $1 batch ids.
 */
const COUNTS = `
SELECT batch_id, count(*)::int AS jobs, count(*) FILTER (WHERE status = 'completed')::int AS images_processed,
  count(*) FILTER (WHERE status IN ('failed', 'canceled'))::int AS images_failed
FROM job WHERE batch_id = ANY ($1) GROUP BY batch_id`;

/** What jobs that several rows share add to that. $1 batch ids. */
const COUNTS_OF_SHARED = `
SELECT job.batch_id, coalesce(sum(rows - 1) FILTER (WHERE status = 'completed'), 0)::int AS images_processed,
  coalesce(sum(rows - 1) FILTER (WHERE status IN ('failed', 'canceled')), 0)::int AS images_failed
FROM (
  SELECT batch_id, job_id, count(*) AS rows FROM batch_image
  WHERE batch_id = ANY ($1) GROUP BY batch_id, job_id HAVING count(*) > 1) shared
JOIN job ON job.id = shared.job_id GROUP BY job.batch_id`;

/** In the order of the list. $1 batch id, $2 row and $3 position to go on after, $4 how many, $5 in which state or null. */
const IMAGES = `
SELECT image.row, image.position, image.url, image.serial_number, image.product_name, image.job_id,
  job.status, job.report,
  CASE WHEN job.status <> 'completed' THEN job.error_code END AS error_code,
  CASE WHEN job.status <> 'completed' THEN job.error_detail END AS error_detail
FROM batch_image image JOIN job ON job.id = image.job_id
WHERE image.batch_id = $1 AND (image.row, image.position) > ($2, $3) AND ($5::text IS NULL OR job.status = $5)
ORDER BY image.row, image.position LIMIT $4`;

type Counts = Pick<BatchSnapshot, 'images_processed' | 'images_failed'>;

export interface BatchImageFilter {
  limit: number;
  after?: ImagePosition;
  status?: JobStatus;
}

/** To count so many takes a tenth of a second; whoever asks often gets what another was told a moment ago. */
const LARGE_IMAGES = 5_000;
const REMEMBERED_MS = 1_000;

const START: ImagePosition = { row: 0, position: 0 };

/** Reads batches for their owners. */
@Injectable()
export class BatchReader {
  /** Of large batches that are open. */
  private readonly remembered = new Map<string, { counts: Counts; untilMs: number }>();

  constructor(
    private readonly database: DataSource,
    private readonly media: MediaStore,
  ) {}

  async find(ownerId: string, id: string): Promise<BatchSnapshot | null> {
    const [batch] = await this.counted(await this.database.manager.findBy(Batch, { owner_id: ownerId, id }));
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
  async images(batchId: string, filter: BatchImageFilter): Promise<BatchImageSnapshot[]> {
    const { limit, after = START, status = null } = filter;
    const images = await this.database.query<Omit<BatchImageSnapshot, 'output'>[]>(IMAGES, [
      batchId,
      after.row,
      after.position,
      limit,
      status,
    ]);
    const done = images.filter(({ status }) => status === 'completed').map(({ job_id }) => job_id);
    const outputs = await this.media.outputsOf([...new Set(done)]);
    const byJob = new Map(outputs.map((output) => [output.job_id, output]));
    return images.map((image) => ({ ...image, output: byJob.get(image.job_id) ?? null }));
  }

  private async counted(batches: readonly Batch[]): Promise<BatchSnapshot[]> {
    const open = batches.filter((batch) => batch.images_processed === null);
    const counts = this.stillRemembered();
    const asked = open.filter((batch) => !counts.has(batch.id));
    for (const [id, own] of await this.countsOf(asked)) counts.set(id, own);
    this.remember(asked, counts);
    return batches.map((batch) => ({
      ...batch,
      status: statusOf(batch),
      images_processed: batch.images_processed ?? counts.get(batch.id)?.images_processed ?? 0,
      images_failed: batch.images_failed ?? counts.get(batch.id)?.images_failed ?? 0,
    }));
  }

  private stillRemembered(): Map<string, Counts> {
    for (const [id, { untilMs }] of this.remembered)
      if (untilMs < performance.now()) this.remembered.delete(id);
    return new Map([...this.remembered].map(([id, { counts }]) => [id, counts]));
  }

  private remember(batches: readonly Batch[], counts: ReadonlyMap<string, Counts>): void {
    const untilMs = performance.now() + REMEMBERED_MS;
    for (const { id, images_total } of batches) {
      const own = counts.get(id);
      if (own && images_total >= LARGE_IMAGES) this.remembered.set(id, { counts: own, untilMs });
    }
  }

  private async countsOf(open: readonly Batch[]): Promise<Map<string, Counts>> {
    const counts = new Map<string, Counts & { jobs: number }>();
    const ids = open.map((batch) => batch.id);
    for (const { batch_id, ...own } of await this.query<Counts & { jobs: number }>(COUNTS, ids))
      counts.set(batch_id, own);
    const shared = open.filter(({ id, images_total }) => (counts.get(id)?.jobs ?? 0) < images_total);
    const sharedIds = shared.map((batch) => batch.id);
    for (const { batch_id, ...more } of await this.query<Counts>(COUNTS_OF_SHARED, sharedIds)) {
      const own = counts.get(batch_id);
      if (!own) continue;
      own.images_processed += more.images_processed;
      own.images_failed += more.images_failed;
    }
    return counts;
  }

  private async query<Row>(
    statement: string,
    ids: readonly string[],
  ): Promise<(Row & { batch_id: string })[]> {
    return ids.length === 0 ? [] : this.database.query<(Row & { batch_id: string })[]>(statement, [ids]);
  }
}

/** The row says how a batch ended; until then it is `processing` from its first rows on. */
const statusOf = ({ status, finished_at, rows_inserted }: Batch): Batch['status'] => {
  if (finished_at) return status;
  return rows_inserted > 0 ? 'processing' : 'pending';
};
