import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { Client, type Media, Refused, formWith } from '../support/client';
import { makeClip } from '../support/clips';
import { judge } from '../support/oracle';
import { photo } from '../support/pictures';
import { seededRandom } from '../support/seeded-random';
import { Services } from '../support/services';
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

/** Copying so much takes long enough to be caught in the act. */
const LARGE_BYTES = 96 << 20;
const MP4_START = Buffer.from('000000186674797069736f6d0000020069736f6d69736f32', 'hex');

const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
const random = seededRandom(seed);

let services: Services;
beforeAll(async () => {
  services = await Services.start({ env: { IMAGE_CONCURRENCY: '2' } });
}, 180_000);
afterAll(() => services?.close(), 60_000);

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
}, 400_000);

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
            }
          : {
              operation: 'image.compress',
              inputs: [{ media_id: photos[index % PHOTOS]!.id }],
              params: { quality: 1 + Math.floor(random() * 90) },
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
