import { randomUUID } from 'node:crypto';
import { AppError } from '@mediakiln/contracts';
import { Batch, BatchImage, type Job, StoredObject } from '@mediakiln/entities';
import { BatchCloser, BatchMoves, BatchReader, CloseBatchesDuty, type JobDispatcher } from '@mediakiln/jobs';
import type { DataSource } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { jobScene } from './jobs';

export interface GivenBatch {
  id: string;
  /** One per distinct address, in the order of the rows. */
  jobs: string[];
}

/** A batch whose rows are inserted, without a list in the storage. @param rows addresses; equal ones share a job. */
export async function givenBatch(
  database: DataSource,
  dispatcher: JobDispatcher,
  ownerId: string,
  rows: readonly (readonly string[])[],
  values: Partial<Batch> = {},
): Promise<GivenBatch> {
  const id = uuidv7();
  const urls = [...new Set(rows.flat())];
  const jobs = new Map(urls.map((url) => [url, uuidv7()]));
  await database.transaction(async (tx) => {
    const csv_sha256 = randomUUID().replaceAll('-', '').repeat(2);
    await tx.insert(StoredObject, { owner_id: ownerId, sha256: csv_sha256, bytes: 1 });
    const batch = {
      id,
      owner_id: ownerId,
      operation: 'image.compress',
      name: 'list.csv',
      csv_sha256,
      csv_format: FORMAT,
      rows_total: rows.length,
      images_total: rows.flat().length,
      rows_inserted: rows.length,
      inserted_at: new Date(),
      ...values,
    };
    await tx.save(Batch, batch, { transaction: false, reload: false });
    const images = rows.flatMap((row, index) =>
      row.map((url, position) => ({
        batch_id: id,
        row: index + 1,
        position: position + 1,
        url,
        job_id: jobs.get(url)!,
        serial_number: `${index + 1}`,
        product_name: `SKU${index + 1}`,
      })),
    );
    for (let from = 0; from < images.length; from += 1_000)
      await tx.insert(BatchImage, images.slice(from, from + 1_000));
    await dispatcher.insert(
      tx,
      urls.map((url) => ({
        id: jobs.get(url)!,
        owner_id: ownerId,
        operation: 'image.compress',
        inputs: [{ url }],
        purpose: 'batch' as const,
        batch_id: id,
      })),
    );
  });
  return { id, jobs: [...jobs.values()] };
}

const FORMAT: Batch['csv_format'] = {
  encoding: 'utf-8',
  delimiter: ',',
  header: ['S. No.', 'Product Name', 'Input Image Urls'],
  columns: { serial_number: 0, product_name: 1, urls: 2, status: null },
};

/** Rows with an address each, all different. */
export const rowsOf = (count: number): string[][] =>
  Array.from({ length: count }, (_, n) => [`https://a.example/${n}.jpg`]);

/** `jobScene` with what moves, ends and reads batches. */
export function batchScene(database: DataSource) {
  const scene = jobScene(database);
  const closer = new BatchCloser(database, scene.log);
  const moves = new BatchMoves(database, closer, scene.meter, scene.log);
  const reader = new BatchReader(database, scene.media);
  const fail = (job: Job, to: 'failed' | 'canceled' = 'failed') =>
    scene.store.settle({
      id: job.id,
      to,
      reason: to === 'failed' ? 'error' : 'canceled_by_user',
      error: new AppError('download_not_found'),
    });
  return {
    ...scene,
    closer,
    moves,
    reader,
    fail,
    given: (owner: string, rows: readonly (readonly string[])[], values: Partial<Batch> = {}) =>
      givenBatch(database, scene.dispatcher, owner, rows, values),
    sweep: () => database.transaction((tx) => new CloseBatchesDuty(closer, moves).sweep(tx)),
    /** Claims the next job and brings it to this end. */
    async end(to: 'completed' | 'failed' | 'canceled'): Promise<string> {
      const job = (await scene.claim())!;
      await (to === 'completed' ? scene.complete(job) : fail(job, to));
      return job.id;
    },
  };
}
