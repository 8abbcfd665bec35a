import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import type { Batch } from '@mediakiln/entities';
import { Log } from '@mediakiln/observability';
import { Storage, objectKey } from '@mediakiln/storage';
import { BatchChunks, chunksOf } from './batch.chunks';
import { readCsvAs } from './csv/csv.reader';

/** Each holds a connection of the pool while it writes: requests need the others. */
const AT_ONCE = 2;

/**
 * Inserts the images and jobs of stored lists, in the background. What it leaves undone, another gateway or the next
 * start goes on with.
 */
@Injectable()
export class BatchInsertion implements BeforeApplicationShutdown {
  private readonly running = new Map<string, Promise<void>>();
  private readonly waiting = new Set<string>();
  private isStopping = false;

  constructor(
    private readonly chunks: BatchChunks,
    private readonly storage: Storage,
    private readonly log: Log,
  ) {}

  /** Never fails and does not wait. @returns whether this gateway was not at it already. */
  start(batchId: string): boolean {
    if (this.isStopping || this.running.has(batchId) || this.waiting.has(batchId)) return false;
    this.waiting.add(batchId);
    this.next();
    return true;
  }

  /** Until nothing runs and nothing waits: for tests and the shutdown. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running.values());
  }

  /** At most the chunk that is being written is waited for. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    this.waiting.clear();
    await this.idle();
  }

  private next(): void {
    for (const batchId of this.waiting) {
      if (this.running.size >= AT_ONCE) return;
      this.waiting.delete(batchId);
      const run = this.run(batchId).finally(() => {
        this.running.delete(batchId);
        this.next();
      });
      this.running.set(batchId, run);
    }
  }

  private async run(batchId: string): Promise<void> {
    try {
      const batch = await this.chunks.claim(batchId);
      if (batch) await this.insert(batch);
    } catch (error) {
      // Its claim is left to lapse: what failed would most likely fail again at once.
      this.log.warn('insertion of a batch broke off, the sweeper will resume it', {
        batch_id: batchId,
        err: error,
      });
    }
  }

  private async insert(batch: Batch): Promise<void> {
    const bytes = await this.storage.open(objectKey(batch.owner_id, batch.csv_sha256));
    let rows = batch.rows_inserted;
    for await (const chunk of chunksOf(batch.id, readCsvAs(bytes, batch.csv_format), rows)) {
      if (this.isStopping) return this.chunks.release(batch.id);
      if (!(await this.chunks.insert(batch, rows, chunk))) return;
      rows = chunk.upTo;
    }
    if (await this.chunks.finish(batch.id, rows))
      this.log.info('batch inserted', { batch_id: batch.id, rows, images: batch.images_total });
  }
}
