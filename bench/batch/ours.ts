import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, formWith } from '../../test/support/client';
import { Platform } from '../support/platform';

/** Rarely: what a poll costs the gateway is no part of the batch, whose end is told by its row. */
const POLL_MS = 250;
const BATCH_WITHIN_MS = 600_000;

interface Batch {
  id: string;
  status: string;
  images_total: number;
  images_processed: number;
  finished_at: string | null;
}

/** The platform with a batch on it. */
export class Ours {
  private constructor(private readonly platform: Platform) {}

  static async start(shopPort: number, inFlight: number): Promise<Ours> {
    return new Ours(await Platform.start({ shopPort, imageConcurrency: inFlight }));
  }

  /** A new account each time: an owner's second output of the same bytes would already be there. */
  async run(list: string, quality: number): Promise<number> {
    const client = await Client.register(this.platform.services.url);
    const form = formWith(Buffer.from(list), 'list.csv');
    form.set('params', JSON.stringify({ quality }));
    const startedMs = Date.now();
    const made = (await client.expect(202, 'POST', '/v1/batches', { body: form })).body as Batch;
    for (;;) {
      await sleep(POLL_MS);
      const batch = (await client.expect(200, 'GET', `/v1/batches/${made.id}`)).body as Batch;
      if (batch.finished_at !== null) return secondsOf(batch, startedMs);
      if (Date.now() - startedMs > BATCH_WITHIN_MS)
        throw new Error(
          `the batch is still ${batch.status}: ${batch.images_processed}/${batch.images_total}`,
        );
    }
  }

  /** The most that the image processor ever held in memory. */
  peakMiB(): number {
    const status = readFileSync(`/proc/${this.platform.services.image.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) / 1024;
  }

  stop(): Promise<void> {
    return this.platform.stop();
  }
}

function secondsOf(
  { id, status, images_total, images_processed, finished_at }: Batch,
  startedMs: number,
): number {
  if (status !== 'completed' || images_processed !== images_total)
    throw new Error(`batch ${id} ended as ${status} with ${images_processed} of ${images_total} images`);
  return (Date.parse(finished_at!) - startedMs) / 1_000;
}
