import { readFile } from 'node:fs/promises';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dataSourceOptions } from '@mediakiln/entities';
import { DataSource } from 'typeorm';
import { EmbeddedPostgres } from '../../apps/embedded/src/postgres/embedded-postgres';
import { Client, type Media } from '../support/client';
import { makeClip } from '../support/clips';
import { EngineGate } from '../support/engine-gate';
import { judge } from '../support/oracle';
import { photo } from '../support/pictures';
import { Services } from '../support/services';
import { TIMING } from '../support/system';
import { until } from '../support/until';

const LEASE_MS = Number(TIMING.LEASE_SECONDS) * 1_000;

describe('the broker is away', () => {
  let services: Services;
  beforeAll(async () => {
    services = await Services.start();
  }, 180_000);
  afterAll(() => services?.close(), 60_000);

  it('takes uploads and jobs all the same, and does them when it is back', async () => {
    const client = await Client.register(services.url);
    const before = await client.uploadReady(await photo({ seed: 1 }), 'before.jpg');
    await services.broker.kill9();
    await until('the gateway to notice', async () => {
      const { status } = await fetch(`${services.url}/health/ready`);
      return status === 503;
    });
    expect((await fetch(`${services.url}/health/live`)).status).toBe(200);
    const uploads: Media[] = [];
    for (let seed = 10; seed < 20; seed++)
      uploads.push(await client.upload(await photo({ seed }), `${seed}.jpg`));
    for (const { id } of [before, ...uploads])
      await client.createJob({ operation: 'image.compress', inputs: [{ media_id: id }] });
    expect(client.jobs).toHaveLength(11);

    await services.broker.start();
    expect(await judge(services, [client])).toEqual([]);
    for (const id of client.jobs)
      expect(await client.job(id)).toMatchObject({ status: 'completed', attempts: 1 });
    await services.gateway.awaitHealth('ready');
  }, 150_000);
});

describe('PostgreSQL is away for twice the lease', () => {
  let services: Services;
  let database: PrivateDatabase;
  let gate: EngineGate;
  beforeAll(async () => {
    [database, gate] = await Promise.all([PrivateDatabase.start(), EngineGate.make()]);
    services = await Services.start({ database, env: { FFMPEG_PATH: gate.path } });
  }, 180_000);
  afterAll(async () => {
    await services?.close();
    gate?.remove();
  }, 60_000);

  it('answers 503 with Retry-After, recovers by itself, and keeps healthy work where it runs', async () => {
    const client = await Client.register(services.url);
    const picture = await client.uploadReady(await photo({ seed: 2 }), 'p.jpg');
    const video = await readFile(await makeClip({ seconds: 2, width: 160, height: 96 }));
    const clip = await client.uploadReady(video, 'clip.mp4');
    gate.close();
    const running = await client.createJob({
      operation: 'video.trim',
      inputs: [{ media_id: clip.id }],
      params: { start_time: 0.5, end_time: 1.5 },
    });
    await until('the trim to run', async () => (await client.job(running.id)).status === 'processing');
    const delayed = await client.createJob({
      operation: 'image.compress',
      inputs: [{ media_id: picture.id }],
      delay_seconds: 3,
    });

    await database.stop();
    const begin = performance.now();
    for (const [method, path, json] of [
      ['GET', '/v1/media'],
      ['GET', `/v1/jobs/${running.id}`],
      ['POST', '/v1/jobs', { operation: 'image.compress', inputs: [{ media_id: picture.id }] }],
    ] as const) {
      const answer = await client.request(method, path, { json });
      expect([path, answer.status, answer.body.code]).toEqual([path, 503, 'database_unavailable']);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    // The outage is what is tested: it has to last, whatever happens.
    await sleep(Math.max(0, 2 * LEASE_MS - (performance.now() - begin)));
    await database.restart();

    await until(
      'the gateway to serve again',
      async () => (await client.request('GET', '/v1/media')).status === 200,
    );
    expect(await client.waitJob(delayed.id)).toMatchObject({ status: 'completed' });
    // Longer than a sweeper that trusted the stale leases would need.
    await sleep(1.5 * LEASE_MS);
    expect(await client.job(running.id)).toMatchObject({ status: 'processing', attempts: 1 });
    gate.open();
    expect(await client.waitJob(running.id)).toMatchObject({ status: 'completed', attempts: 1 });
    expect(await judge(services, [client])).toEqual([]);
  }, 150_000);
});

/** A server of this test's own, which it may stop. */
class PrivateDatabase {
  private constructor(
    private readonly folder: string,
    private server: EmbeddedPostgres,
    readonly dataSource: DataSource,
  ) {}

  static async start(): Promise<PrivateDatabase> {
    const folder = mkdtempSync(join(tmpdir(), 'mediakiln-outage-'));
    chmodSync(folder, 0o755);
    const server = await PrivateDatabase.serve(folder);
    const options = dataSourceOptions({ databaseUrl: server.url, databasePool: 4 });
    return new PrivateDatabase(folder, server, await new DataSource(options).initialize());
  }

  get url(): string {
    return this.server.url;
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  async restart(): Promise<void> {
    this.server = await PrivateDatabase.serve(this.folder, this.server.port);
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
    await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private static serve(folder: string, preferredPort?: number): Promise<EmbeddedPostgres> {
    return EmbeddedPostgres.start(
      {
        folder: join(folder, 'cluster'),
        logFile: join(folder, 'postgres.log'),
        password: 'outage',
        database: 'mediakiln',
        isScratch: true,
        ...(preferredPort === undefined ? {} : { preferredPort }),
      },
      { restarted: () => undefined, gaveUp: (error) => console.error(error.message) },
    );
  }
}
