import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { Client, type Job, type Media, Refused, formWith } from '../support/client';
import { makeClip } from '../support/clips';
import { DatabaseLock } from '../support/database-lock';
import { judge } from '../support/oracle';
import { photo } from '../support/pictures';
import { seededRandom } from '../support/seeded-random';
import { Services } from '../support/services';
import { type Told, ToldLedger } from '../support/told-ledger';
import { until } from '../support/until';

const JOBS = 100;
const PHOTOS = 8;
/** Every so manieth job is a trim, which takes longer. */
const TRIM_EVERY = 6;
const KILLS = [
  'image',
  'gateway',
  'broker',
  'image',
  'video',
  'gateway',
  'image',
  'broker',
  'video',
  'image',
] as const;
const JOBS_BETWEEN_KILLS = 5;
const LONGEST_PAUSE_MS = 1_500;
/** Every so manieth message is not answered at first: a gateway that is killed has calls under way. */
const SILENT_EVERY = 10;

/** Copying so much takes long enough to be caught in the act. */
const LARGE_BYTES = 96 << 20;
const MP4_START = Buffer.from('000000186674797069736f6d0000020069736f6d69736f32', 'hex');

const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
const random = seededRandom(seed);

let services: Services;
let receiver: ToldLedger;
beforeAll(async () => {
  receiver = await ToldLedger.start();
  receiver.isSilent = (n) => n % SILENT_EVERY === 0;
  services = await Services.start({
    env: {
      IMAGE_CONCURRENCY: '2',
      FETCH_ALLOW_CIDRS: '127.0.0.1',
      FETCH_ALLOW_PORTS: String(receiver.port),
    },
  });
}, 180_000);
afterAll(async () => {
  await services?.close();
  await receiver?.close();
}, 60_000);

it(`loses and doubles nothing while everything is killed around 100 jobs (CHAOS_SEED=${seed})`, async () => {
  const client = await Client.register(services.url);
  const submitting = submit(client);
  await killInTurn(shuffled(KILLS));
  await submitting;
  expect(client.jobs).toHaveLength(JOBS);
  expect(await judge(services, [client])).toEqual([]);
  const rows = await services.database.query<unknown[]>(
    "SELECT id, operation, status, error_code, failures, deaths FROM job WHERE status <> 'completed'",
  );
  expect(rows).toEqual([]);
  for (const { id } of client.uploads)
    expect((await client.expect(200, 'GET', `/v1/media/${id}`)).body.status).toBe('ready');

  await untilAllDelivered();
  expect(receiver.calls.length).toBeGreaterThan(JOBS);
  const told = receiver.once().map(({ type, about }) => `${type} ${about}`);
  expect(told.sort()).toEqual(client.jobs.map((id) => `job.completed ${id}`).sort());
}, 400_000);

it('tells of a job once, although its worker is killed in the moment between the end and the telling', async () => {
  const client = await Client.register(services.url);
  const media = await client.uploadReady(await photo({ seed }), 'p.jpg');
  const lock = await DatabaseLock.onInsert(services.database, 'webhook_delivery');
  try {
    const { id } = await compress(client, media);
    await lock.awaitWaiting(1);
    await services.image.kill9();
    await lock.breakWaiting();
    await lock.release();
    await services.image.start();
    expect(await client.waitJob(id)).toMatchObject({ status: 'completed' });
    expect(await judge(services, [client])).toEqual([]);
    await untilAllDelivered();
    expect(receiver.once().filter(({ about }) => about === id)).toHaveLength(1);
  } finally {
    await lock.release();
  }
}, 120_000);

it('repeats what a gateway did not live to record, in the same words and under the same id', async () => {
  const client = await Client.register(services.url);
  const media = await client.uploadReady(await photo({ seed }), 'p.jpg');
  const before = receiver.once().length;
  receiver.isSilent = (n) => n === before;
  const { id } = await compress(client, media);
  const calls = (): Told[] => receiver.calls.filter(({ about }) => about === id);
  await until('the first call', () => calls().length === 1);
  await services.gateway.kill9();
  await services.gateway.start();
  await untilAllDelivered();
  const [first, second, ...more] = calls();
  expect(second).toEqual(first);
  expect(more).toEqual([]);
  expect(await judge(services, [client])).toEqual([]);
}, 120_000);

it('never shows a part of a file, however the upload ends', async () => {
  const client = await Client.register(services.url);
  const bytes = Buffer.concat([MP4_START, randomBytes(LARGE_BYTES)]);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const path = join(services.dataDir, 'objects', client.userId, sha256.slice(0, 2), sha256);
  const answered = client.request('POST', '/v1/media', { body: formWith(bytes, 'large.mp4') }).then(
    ({ status }) => status,
    () => 'no answer',
  );
  for (const deadline = performance.now() + 60_000; !existsSync(path) && performance.now() < deadline;)
    await setImmediate();
  services.gateway.signal('SIGKILL');
  const stored = await readFile(path);
  expect(stored.length).toBe(bytes.length);
  expect(createHash('sha256').update(stored).digest('hex')).toBe(sha256);

  await answered;
  await services.gateway.kill9();
  await services.gateway.start();
  const [row] = await services.database.query<{ count: number }[]>(
    'SELECT count(*)::int FROM media WHERE owner_id = $1',
    [client.userId],
  );
  expect(await judge(services, [client])).toEqual([]);
  // Not answered, so nobody was promised anything; but all or nothing of it is there.
  expect(existsSync(path)).toBe(row!.count === 1);
}, 120_000);

const compress = (client: Client, { id }: Media): Promise<Job> =>
  client.createJob({
    operation: 'image.compress',
    inputs: [{ media_id: id }],
    webhook_url: receiver.url,
  });

/** As if the minute were over for which nobody touches what a dead gateway had begun, and the pause before a new try. */
async function untilAllDelivered(): Promise<void> {
  await services.database.query(
    "UPDATE webhook_delivery SET claimed_until = NULL, next_at = now() WHERE status = 'pending'",
  );
  await until('all to be delivered', async () => {
    const rows = await services.database.query<unknown[]>(
      "SELECT FROM webhook_delivery WHERE status <> 'delivered'",
    );
    return rows.length === 0;
  });
}

/** Uploads and jobs, each asked for until it is accepted: the ledger knows which were. */
async function submit(client: Client): Promise<void> {
  const clip = await readFile(await makeClip({ seconds: 2, width: 160, height: 96 }));
  const video = await accepted(() => client.upload(clip, 'clip.mp4'));
  const photos: Media[] = [];
  for (let index = 0; index < PHOTOS; index++) {
    const bytes = await photo({ seed: seed + index, width: 160, height: 120 });
    photos.push(await accepted(() => client.upload(bytes, `${index}.jpg`)));
  }
  for (let index = 0; index < JOBS; index++) {
    const isTrim = index % TRIM_EVERY === 0;
    const start_time = 0.5 + index / 1_000;
    await accepted(() =>
      client.createJob(
        isTrim
          ? {
              operation: 'video.trim',
              inputs: [{ media_id: video.id }],
              params: { start_time, end_time: 1.5 },
              webhook_url: receiver.url,
            }
          : {
              operation: 'image.compress',
              inputs: [{ media_id: photos[index % PHOTOS]!.id }],
              params: { quality: 1 + Math.floor(random() * 90) },
              webhook_url: receiver.url,
            },
      ),
    );
  }
}

async function killInTurn(targets: readonly (typeof KILLS)[number][]): Promise<void> {
  for (const target of targets) {
    const before = await ended();
    await until(
      'some jobs to end',
      async () => (await ended()) >= Math.min(before + JOBS_BETWEEN_KILLS, JOBS),
      // Enough is enough: when hardly anything is alive, the next kill comes all the same.
      20_000,
    ).catch(() => undefined);
    await sleep(random() * LONGEST_PAUSE_MS);
    if (target === 'broker') {
      await services.broker.kill9();
      await sleep(random() * LONGEST_PAUSE_MS);
      await services.broker.start();
    } else {
      await services[target].kill9();
      await sleep(random() * LONGEST_PAUSE_MS);
      await services[target].start('live');
    }
  }
}

async function ended(): Promise<number> {
  const [row] = await services.database.query<{ count: number }[]>(
    "SELECT count(*)::int FROM job WHERE status IN ('completed', 'failed', 'canceled') AND operation NOT LIKE '%.probe'",
  );
  return row!.count;
}

/** Asks again while nobody answers, or somebody says that he cannot just now. */
function accepted<T>(ask: () => Promise<T>): Promise<NonNullable<Exclude<T, false>>> {
  return until('the request to be accepted', async () => {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof Refused && error.answer.status < 500) throw error;
      return undefined;
    }
  });
}

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
