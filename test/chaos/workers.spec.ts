import { readFile } from 'node:fs/promises';
import { connect } from 'amqplib';
import { RabbitTopology } from '@mediakiln/messaging';
import type { Topic } from '@mediakiln/contracts';
import { Client, type Job, type Media } from '../support/client';
import { makeClip } from '../support/clips';
import { EngineGate } from '../support/engine-gate';
import { judge } from '../support/oracle';
import { photo } from '../support/pictures';
import { encoders, engines } from '../support/proc';
import { Services } from '../support/services';
import { until } from '../support/until';

/** Nobody dies here, so no lease may lapse however slow the machine is. */
const PATIENT = { LEASE_SECONDS: '60', SHUTDOWN_GRACE_SECONDS: '15' };
const GRACE_MS = 15_000;
/** What a loaded machine may add. */
const SLACK_MS = 10_000;

let services: Services;
let gate: EngineGate;
let clip: Buffer;

beforeAll(async () => {
  gate = await EngineGate.make();
  clip = await readFile(await makeClip({ seconds: 2, width: 160, height: 96 }));
  services = await Services.start({ env: { ...PATIENT, FFMPEG_PATH: gate.path } });
}, 180_000);
afterAll(async () => {
  await services?.close();
  gate?.remove();
}, 60_000);
beforeEach(async () => {
  if (!services.video.isRunning) await services.video.start();
}, 100_000);
afterEach(() => gate.open());

const trim = (client: Client, media: Media): Promise<Job> =>
  client.createJob({
    operation: 'video.trim',
    inputs: [{ media_id: media.id }],
    params: { start_time: 0.5, end_time: 1.5 },
  });

const counters = async ({ id }: Job): Promise<unknown> => {
  const [row] = await services.database.query<unknown[]>('SELECT failures, deaths FROM job WHERE id = $1', [
    id,
  ]);
  return row;
};

it('runs each job once although every message comes three times', async () => {
  const client = await Client.register(services.url);
  const connection = await connect(services.broker.url);
  const channel = await connection.createConfirmChannel();
  const topology = new RabbitTopology();
  const ring = (topic: Topic): void => {
    const message = Buffer.from(JSON.stringify({ pattern: topic, data: { topic } }));
    channel.sendToQueue(topology.queueOf(topic), message, { persistent: true });
  };
  for (let seed = 100; seed < 130; seed++) {
    const media = await client.upload(await photo({ seed, width: 96, height: 64 }), `${seed}.jpg`);
    await client.createJob({ operation: 'image.compress', inputs: [{ media_id: media.id }] });
    // Each of the two jobs was rung for once by the gateway.
    for (let more = 0; more < 4; more++) ring('image');
  }
  await channel.waitForConfirms();
  await connection.close();
  expect(await judge(services, [client])).toEqual([]);
  const rows = await services.database.query<{ claims: number; jobs: number }[]>(
    `SELECT claims, count(*)::int AS jobs FROM (
       SELECT count(*)::int AS claims FROM job JOIN job_event ON job_event.job_id = job.id
       WHERE owner_id = $1 AND reason = 'claimed' GROUP BY job.id) AS counted GROUP BY claims`,
    [client.userId],
  );
  expect(rows).toEqual([{ claims: 1, jobs: 60 }]);
}, 120_000);

it('gives a job back on SIGTERM without counting it, in time, and another worker finishes it', async () => {
  const client = await Client.register(services.url);
  const media = await client.uploadReady(clip, 'clip.mp4');
  gate.close();
  const job = await trim(client, media);
  await until('the engine', () => encoders(services.dataDir, job.id).length > 0);
  expect(await services.video.terminate()).toBeLessThan(GRACE_MS + SLACK_MS);
  expect(engines(services.dataDir, job.id)).toEqual([]);
  const given = await client.job(job.id);
  expect(given).toMatchObject({ status: 'pending', attempts: 1 });
  expect(given.events.at(-1)).toMatchObject({ reason: 'drained' });
  expect(await counters(job)).toEqual({ failures: 0, deaths: 0 });

  gate.open();
  await services.video.start();
  expect(await client.waitJob(job.id)).toMatchObject({ status: 'completed', attempts: 2 });
  expect(await counters(job)).toEqual({ failures: 0, deaths: 0 });
  expect(await judge(services, [client])).toEqual([]);
}, 120_000);

it('finishes on SIGTERM what ends within the grace time', async () => {
  const client = await Client.register(services.url);
  const media = await client.uploadReady(clip, 'clip.mp4');
  gate.close();
  const job = await trim(client, media);
  await until('the engine', () => encoders(services.dataDir, job.id).length > 0);
  const ending = services.video.terminate();
  gate.open();
  await ending;
  expect(await client.waitJob(job.id)).toMatchObject({ status: 'completed', attempts: 1 });
}, 120_000);

it('tries again when ffmpeg is killed, and gives up after three times', async () => {
  const client = await Client.register(services.url);
  const media = await client.uploadReady(clip, 'clip.mp4');
  gate.close();
  const killEngine = async (job: Job, attempt: number): Promise<void> => {
    const [engine] = await until(`the engine of attempt ${attempt}`, () => {
      const found = encoders(services.dataDir, `${job.id}.${attempt}`);
      return found.length > 0 && found;
    });
    process.kill(engine!.pid, 'SIGKILL');
  };
  const poisoned = await trim(client, media);
  await killEngine(poisoned, 1);
  const planned = await until('the retry to be planned', async () => {
    const job = await client.job(poisoned.id);
    return job.events.some(({ reason }) => reason === 'retry') && job;
  });
  expect(planned).toMatchObject({ error: { code: 'engine_crashed' }, outputs: [] });
  await killEngine(poisoned, 2);
  await killEngine(poisoned, 3);
  expect(await client.waitJob(poisoned.id)).toMatchObject({
    status: 'failed',
    attempts: 3,
    error: { code: 'engine_crashed' },
    outputs: [],
  });
  expect(await counters(poisoned)).toEqual({ failures: 3, deaths: 0 });

  const lucky = await trim(client, media);
  await killEngine(lucky, 1);
  gate.open();
  expect(await client.waitJob(lucky.id)).toMatchObject({ status: 'completed', attempts: 2, error: null });
  expect(await judge(services, [client])).toEqual([]);
}, 120_000);
