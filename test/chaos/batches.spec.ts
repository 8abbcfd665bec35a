import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'csv-parse/sync';
import { Client, formWith } from '../support/client';
import { DatabaseLock } from '../support/database-lock';
import { judge } from '../support/oracle';
import { type PictureHost, listOf, startPictureHost } from '../support/picture-host';
import { Services } from '../support/services';
import { ToldLedger } from '../support/told-ledger';
import { until } from '../support/until';

/** The whole form: BATCH_ROWS=10000 BATCH_IMAGES_PER_ROW=5 BATCH_PICTURE_WIDTH=320, which takes a quarter of an hour. */
const ROWS = Number(process.env.BATCH_ROWS ?? 1_100);
const IMAGES_PER_ROW = Number(process.env.BATCH_IMAGES_PER_ROW ?? 1);
const WIDTH = Number(process.env.BATCH_PICTURE_WIDTH ?? 64);
const TOTAL = ROWS * IMAGES_PER_ROW;
const IS_LARGE = TOTAL >= 10_000;

const MEMORY_BASE_IMAGES = 500;
const MEMORY_GROWTH = 1.3;
const RUN_WITHIN_MS = IS_LARGE ? 3_600_000 : 150_000;

let shop: PictureHost;
let receiver: ToldLedger;
let services: Services;
let client: Client;

beforeAll(async () => {
  shop = await startPictureHost(WIDTH);
  receiver = await ToldLedger.start();
  services = await Services.prepare({
    env: {
      FETCH_ALLOW_CIDRS: '127.0.0.1',
      FETCH_ALLOW_PORTS: `${shop.host.port},${receiver.port}`,
      IMAGE_CONCURRENCY: '4',
      ...(IS_LARGE && { LEASE_SECONDS: '30' }),
    },
  });
  await Promise.all([services.gateway.start(), services.image.start()]);
  client = await (await Client.register(services.url)).withKey();
}, 180_000);
afterAll(async () => {
  await services?.close();
  await shop?.host.close();
  await receiver?.close();
}, 60_000);

type Line = Record<'S. No.' | 'Input Image Urls' | 'status' | 'sha256' | 'output_url', string>;

const numbersOf = (row: number): number[] =>
  Array.from({ length: IMAGES_PER_ROW }, (_, n) => row * IMAGES_PER_ROW + n);

async function create(rows: number): Promise<string> {
  const list = listOf(
    shop,
    Array.from({ length: rows }, (_, row) => numbersOf(row)),
  );
  const body = formWith(list, 'list.csv');
  body.append('webhook_url', receiver.url);
  return (await client.expect(202, 'POST', '/v1/batches', { body })).body.id as string;
}

const read = async (id: string) => (await client.expect(200, 'GET', `/v1/batches/${id}`)).body;
const processed = async (id: string): Promise<number> => {
  // Nobody asks for a large batch ten times a second.
  if (IS_LARGE) await sleep(1_000);
  const batch = await read(id);
  if (batch.images_failed > 0) throw new Error(`${batch.images_failed} images failed`);
  return batch.images_processed as number;
};
const atLeast = (id: string, images: number) =>
  until(`${images} images`, async () => (await processed(id)) >= images, RUN_WITHIN_MS);
const ended = (id: string) =>
  until(
    'the batch to end',
    async () => {
      if (IS_LARGE) await sleep(1_000);
      const now = await read(id);
      return now.finished_at !== null && now;
    },
    RUN_WITHIN_MS,
  );
const linesOf = async (id: string): Promise<Line[]> =>
  parse((await client.expect(200, 'GET', `/v1/batches/${id}/result.csv`)).bytes, { columns: true });

it(
  `processes ${TOTAL} images although gateway and processor are killed, and needs no more memory for it`,
  async () => {
    const small = IS_LARGE ? await memoryOf(() => runCalm(MEMORY_BASE_IMAGES / IMAGES_PER_ROW)) : undefined;
    const lock = await DatabaseLock.onLaterChunks(services.database);
    const id = await create(ROWS);
    const { batch, lines, ...large } = await memoryOf(async () => {
      await killInMidInsertion(lock, id);
      await atLeast(id, TOTAL / 10);
      await services.image.kill9();
      await services.image.start();
      return { batch: await ended(id), lines: await linesOf(id) };
    });

    expect(batch).toMatchObject({ status: 'completed', images_processed: TOTAL, images_failed: 0 });
    expect(lines.map((line) => `${line['S. No.']} ${line['Input Image Urls']} ${line.status}`)).toEqual(
      Array.from({ length: ROWS }, (_, row) =>
        numbersOf(row).map((n) => `${row + 1} ${shop.url(n)} completed`),
      ).flat(),
    );
    expect(new Set(lines.map(({ sha256 }) => sha256)).size).toBe(TOTAL);
    const told = await until('the batch to be told of', () => {
      const calls = receiver.once().filter(({ about }) => about === id);
      return calls.length > 0 && calls;
    });
    expect(told).toMatchObject([{ type: 'batch.completed' }]);
    if (small) {
      console.log(JSON.stringify({ images: TOTAL, small: small.mostMiB, large: large.mostMiB }));
      for (const [name, most] of Object.entries(large.mostMiB))
        expect(most / small.mostMiB[name]!).toBeLessThanOrEqual(MEMORY_GROWTH);
      return;
    }

    // The same rows again, while nothing is killed: the kills have changed nothing in what was made.
    const { lines: again } = await runCalm(20);
    expect(again.map(({ sha256 }) => sha256)).toEqual(
      lines.slice(0, again.length).map(({ sha256 }) => sha256),
    );
    expect(await judge(services, [client])).toEqual([]);
  },
  RUN_WITHIN_MS + 120_000,
);

/** Between two chunks, the next of which waits for the lock that we hold: then the gateway is in a transaction. */
async function killInMidInsertion(lock: DatabaseLock, id: string): Promise<void> {
  const read = async (): Promise<{ rows_inserted: number; inserted_at: Date | null }> => {
    const [batch] = await services.database.query<[{ rows_inserted: number; inserted_at: Date | null }]>(
      'SELECT rows_inserted, inserted_at FROM batch WHERE id = $1',
      [id],
    );
    return batch;
  };
  try {
    await until('the first chunk', async () => (await read()).rows_inserted > 0);
    await lock.awaitBlocked('UPDATE batch SET rows_inserted');
    await services.gateway.kill9();
    const batch = await read();
    expect(batch.inserted_at).toBeNull();
    expect(batch.rows_inserted).toBeLessThan(ROWS);
  } finally {
    await lock.release();
  }
  await services.gateway.start();
}

async function runCalm(rows: number): Promise<{ lines: Line[] }> {
  const id = await create(rows);
  await ended(id);
  return { lines: await linesOf(id) };
}

/** The most resident memory that gateway and processor held while `work` ran, whichever process they were then. */
async function memoryOf<T extends object>(
  work: () => Promise<T>,
): Promise<T & { mostMiB: Record<string, number> }> {
  const mostMiB: Record<string, number> = {};
  const timer = setInterval(() => {
    // Between two lives a process has no id.
    for (const { name, pid } of [services.gateway, services.image].filter(({ isRunning }) => isRunning))
      mostMiB[name] = Math.max(mostMiB[name] ?? 0, rssMiB(pid));
  }, 500);
  try {
    return { ...(await work()), mostMiB };
  } finally {
    clearInterval(timer);
  }
}

/** 0 for a process that has just been killed. */
function rssMiB(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
