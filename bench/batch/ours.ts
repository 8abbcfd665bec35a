import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dataSourceOptions, migrate } from '@mediakiln/entities';
import { DataSource } from 'typeorm';
import { EmbeddedPostgres } from '../../apps/embedded/src/postgres/embedded-postgres';
import { Client, formWith } from '../../test/support/client';
import { Services } from '../../test/support/services';

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

/** Gateway and image processor as processes, over RabbitMQ and a PostgreSQL that is durable: fsync stays on. */
export class Ours {
  private constructor(
    private readonly services: Services,
    private readonly postgres: EmbeddedPostgres,
    private readonly folder: string,
  ) {}

  static async start(shopPort: number, inFlight: number): Promise<Ours> {
    const folder = mkdtempSync(join(tmpdir(), 'mediakiln-bench-batch-'));
    chmodSync(folder, 0o755);
    const postgres = await EmbeddedPostgres.start(
      { folder: join(folder, 'cluster'), logFile: join(folder, 'log'), password: 'bench', database: 'bench' },
      { restarted: (because) => console.error(because), gaveUp: (error) => console.error(error.message) },
    );
    const dataSource = new DataSource(dataSourceOptions({ databaseUrl: postgres.url, databasePool: 2 }));
    await dataSource.initialize();
    await migrate(dataSource);
    const services = await Services.prepare({
      database: { url: postgres.url, dataSource, close: () => dataSource.destroy() },
      env: {
        NODE_ENV: 'production',
        LOG_LEVEL: 'warn',
        LEASE_SECONDS: '30',
        HEARTBEAT_SECONDS: '5',
        SWEEP_SECONDS: '2',
        IMAGE_CONCURRENCY: String(inFlight),
        FETCH_ALLOW_CIDRS: '127.0.0.0/8',
        FETCH_ALLOW_PORTS: String(shopPort),
      },
    });
    const ours = new Ours(services, postgres, folder);
    try {
      await Promise.all([services.gateway.start(), services.image.start()]);
    } catch (error) {
      await ours.stop();
      throw error;
    }
    return ours;
  }

  /** A new account each time: an owner's second output of the same bytes would already be there. */
  async run(list: string, quality: number): Promise<number> {
    const client = await Client.register(this.services.url);
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
    const status = readFileSync(`/proc/${this.services.image.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) / 1024;
  }

  async stop(): Promise<void> {
    await this.services.close();
    await this.postgres.stop();
    rmSync(this.folder, { recursive: true, force: true });
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
