import { Injectable } from '@nestjs/common';
import type { Topic } from '@mediakiln/contracts';
import { Batch, type BatchImage } from '@mediakiln/entities';
import { BatchCloser, JobDispatcher, type NewJob, type RingTicket } from '@mediakiln/jobs';
import { DataSource, type EntityManager } from 'typeorm';
import { type CsvRow, imagesOf } from './csv/row';
import { imageJobId } from './image-job-id';

/** For so long nobody else takes an insertion over; each chunk renews it. */
const CLAIM_SECONDS = 30;
/**
 * What a transaction writes is held in memory several times over, and what outlives a collection of young garbage is paid
 * for long: small chunks keep a list of fifty thousand images from costing a hundred megabytes.
 */
const CHUNK_ROWS = 250;
/** Rows may have many addresses. */
const CHUNK_IMAGES = 250;

/** $1 batch id. */
const CLAIM = `
UPDATE batch SET claimed_until = now() + interval '${CLAIM_SECONDS} s'
WHERE id = $1 AND inserted_at IS NULL AND canceled_at IS NULL AND finished_at IS NULL
  AND (claimed_until IS NULL OR claimed_until < now())
RETURNING id`;

/** Whoever comes second, or after a cancel or the end of the account, finds no row. $1 batch id, $2 rows so far, $3 now. */
const ADVANCE = `
UPDATE batch SET rows_inserted = $3, status = 'processing', claimed_until = now() + interval '${CLAIM_SECONDS} s'
WHERE id = $1 AND rows_inserted = $2 AND inserted_at IS NULL AND canceled_at IS NULL AND finished_at IS NULL`;

/** $1 images. */
const INSERT_IMAGES = `
INSERT INTO batch_image (batch_id, row, position, url, job_id, serial_number, product_name)
SELECT batch_id, row, position, url, job_id, serial_number, product_name
FROM jsonb_to_recordset($1::jsonb) AS image (
  batch_id uuid, row int, position int, url text, job_id uuid, serial_number text, product_name text)`;

/** $1 batch id, $2 rows. */
const FINISH = `
UPDATE batch SET inserted_at = now(), claimed_until = NULL, status = 'processing'
WHERE id = $1 AND rows_inserted = $2 AND inserted_at IS NULL AND canceled_at IS NULL`;

/** Rows of a list that become images and jobs in one transaction. */
export interface Chunk {
  /** The last row that is done with it. */
  upTo: number;
  images: BatchImage[];
}

/** Writes what a list asks for, chunk by chunk; which ones are there is on the batch's row. */
@Injectable()
export class BatchChunks {
  constructor(
    private readonly database: DataSource,
    private readonly dispatcher: JobDispatcher,
    private readonly closer: BatchCloser,
  ) {}

  /** @returns null when there is nothing to insert, or somebody else does it. */
  async claim(batchId: string): Promise<Batch | null> {
    const [[claimed]] = await this.database.query<[unknown[], number]>(CLAIM, [batchId]);
    return claimed ? this.database.manager.findOneBy(Batch, { id: batchId }) : null;
  }

  /** Lets go, so that another gateway need not wait for the claim to lapse. */
  async release(batchId: string): Promise<void> {
    await this.database.query('UPDATE batch SET claimed_until = NULL WHERE id = $1 AND inserted_at IS NULL', [
      batchId,
    ]);
  }

  /** @param from the last row of the chunk before. @returns false when it was not ours to insert any more. */
  async insert(batch: Batch, from: number, { upTo, images }: Chunk): Promise<boolean> {
    const ticket = await this.database.transaction(async (tx) => {
      const [, advanced] = await tx.query<[unknown, number]>(ADVANCE, [batch.id, from, upTo]);
      if (advanced === 0) return null;
      if (images.length === 0) return { rings: new Map<Topic, number>() };
      await tx.query(INSERT_IMAGES, [JSON.stringify(images)]);
      return this.insertJobs(tx, batch, images);
    });
    if (!ticket) return false;
    await this.dispatcher.ring(ticket.rings);
    return true;
  }

  /** @param rows the last row of the last chunk. @returns false when somebody else got there, or it was canceled. */
  async finish(batchId: string, rows: number): Promise<boolean> {
    const [, finished] = await this.database.query<[unknown, number]>(FINISH, [batchId, rows]);
    // Whatever it was that ended meanwhile found a batch that was still being inserted.
    await this.closer.close(batchId);
    return finished > 0;
  }

  /** One job per address. The batch's row is locked: nobody else inserts jobs of it at the same time. */
  private async insertJobs(
    tx: EntityManager,
    batch: Batch,
    images: readonly BatchImage[],
  ): Promise<Pick<RingTicket, 'rings'>> {
    const urls = new Map(images.map(({ job_id, url }) => [job_id, url]));
    const present = await tx.query<{ id: string }[]>('SELECT id FROM job WHERE id = ANY ($1)', [
      [...urls.keys()],
    ]);
    for (const { id } of present) urls.delete(id);
    const jobs = [...urls].map(([id, url]): NewJob => ({
      id,
      owner_id: batch.owner_id,
      operation: batch.operation,
      inputs: [{ url }],
      params: batch.params,
      purpose: 'batch',
      batch_id: batch.id,
      request_id: batch.request_id,
      traceparent: batch.traceparent ?? undefined,
    }));
    return this.dispatcher.insertMany(tx, jobs);
  }
}

/** @param after the last row that is there already. */
export async function* chunksOf(
  batchId: string,
  rows: AsyncIterable<CsvRow>,
  after: number,
): AsyncGenerator<Chunk, void> {
  let [images, first, last]: [BatchImage[], number, number] = [[], after, after];
  for await (const row of rows) {
    if (row.row <= after) continue;
    images.push(...asImages(batchId, row));
    last = row.row;
    if (last - first < CHUNK_ROWS && images.length < CHUNK_IMAGES) continue;
    yield { upTo: last, images };
    [images, first] = [[], last];
  }
  if (last > first) yield { upTo: last, images };
}

const asImages = (batchId: string, row: CsvRow): BatchImage[] =>
  imagesOf(row).map(({ position, url }) => ({
    batch_id: batchId,
    row: row.row,
    position,
    url,
    job_id: imageJobId(batchId, url),
    serial_number: row.serial_number,
    product_name: row.product_name,
  }));
