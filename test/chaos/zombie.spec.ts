import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import type { AppProcess } from '../support/app-process';
import { Client, type Job } from '../support/client';
import { makeClip } from '../support/clips';
import { DatabaseLock } from '../support/database-lock';
import { EngineGate } from '../support/engine-gate';
import { judge } from '../support/oracle';
import { photo } from '../support/pictures';
import { encoders } from '../support/proc';
import { Services } from '../support/services';
import { until } from '../support/until';

const PUT = 'WITH quickly AS MATERIALIZED';
const SETTLE = 'WITH moved AS';

let services: Services;
let client: Client;
let zombie: AppProcess;
let rescuer: AppProcess;
let lock: DatabaseLock | undefined;

beforeAll(async () => {
  services = await Services.prepare({ env: { IMAGE_CONCURRENCY: '1' } });
  await services.gateway.start();
  client = await Client.register(services.url);
}, 180_000);
afterAll(() => services?.close(), 60_000);

beforeEach(async () => {
  zombie = services.worker('image-processor');
  rescuer = services.worker('image-processor');
  await zombie.start();
}, 120_000);
afterEach(async () => {
  await lock?.release();
  await zombie.kill9();
  await rescuer.kill9();
}, 60_000);

const compress = (mediaId: string): Promise<Job> =>
  client.createJob({ operation: 'image.compress', inputs: [{ media_id: mediaId }] });

/** The job that the first look at a media's thumbnail makes: it is settled in a transaction of several statements. */
async function thumbnail(mediaId: string): Promise<{ id: string }> {
  const { body } = await client.expect(200, 'GET', `/v1/media/${mediaId}`);
  // Answered when it is made, or when it takes too long: nobody waits for that here.
  void fetch((body as { thumbnail_url: string }).thumbnail_url).catch(() => undefined);
  return until('the thumbnail’s job', async () => {
    const [media] = await services.database.query<{ id: string | null }[]>(
      'SELECT thumbnail_job_id AS id FROM media WHERE id = $1',
      [mediaId],
    );
    return media?.id ? { id: media.id } : undefined;
  });
}

const staleOf = (process: AppProcess, job: Job): number =>
  process.logged('stale completion rejected', { job_id: job.id }).length;

const settledBy = (process: AppProcess, job: Job): number =>
  process.logged('job settled', { job_id: job.id, status: 'completed' }).length;

/** The line is written after the commit, so it may come a little later than the job's end. */
const untilSettledBy = (process: AppProcess, job: Job): Promise<unknown> =>
  until(`${process.name} to say that it settled the job`, () => settledBy(process, job) === 1);

/** Everything about the stored file that a second writer would change. */
function fileOf(job: Job): { ino: number; mtimeMs: number; size: number } {
  const sha256 = job.outputs[0]!.sha256;
  const { ino, mtimeMs, size } = statSync(
    join(services.dataDir, 'objects', client.userId, sha256.slice(0, 2), sha256),
  );
  return { ino, mtimeMs, size };
}

it('refuses the late completion of a frozen worker after another one has finished', async () => {
  const media = await client.uploadReady(await photo({ seed: 1 }), 'p.jpg');
  lock = await DatabaseLock.onObjects(services.database);
  const { id } = await compress(media.id);
  await lock.awaitBlocked(PUT);
  zombie.signal('SIGSTOP');
  await lock.release();
  await rescuer.start();

  const finished = await client.waitJob(id);
  expect(finished).toMatchObject({ status: 'completed', attempts: 2 });
  await untilSettledBy(rescuer, finished);
  const before = fileOf(finished);

  zombie.signal('SIGCONT');
  await until('the late completion', () => staleOf(zombie, finished) > 0);
  expect(settledBy(zombie, finished)).toBe(0);
  expect(await client.job(id)).toEqual(finished);
  expect(fileOf(finished)).toEqual(before);
  expect(await judge(services, [client])).toEqual([]);
}, 120_000);

it('refuses the completion of a frozen worker while another one is still at work on the job', async () => {
  const media = await client.uploadReady(await photo({ seed: 2 }), 'p.jpg');
  lock = await DatabaseLock.onObjects(services.database);
  const { id } = await compress(media.id);
  await lock.awaitBlocked(PUT);
  zombie.signal('SIGSTOP');
  await lock.release();

  lock = await DatabaseLock.onObjects(services.database);
  await rescuer.start();
  await lock.awaitBlocked(PUT);
  const atWork = await client.job(id);
  expect(atWork).toMatchObject({ status: 'processing', attempts: 2, outputs: [] });
  zombie.signal('SIGCONT');
  await until('the refused completion', () => staleOf(zombie, atWork) > 0);
  expect(await client.job(id)).toMatchObject({ status: 'processing', attempts: 2, outputs: [] });

  await lock.release();
  const finished = await client.waitJob(id);
  expect(finished).toMatchObject({ status: 'completed', attempts: 2 });
  await untilSettledBy(rescuer, finished);
  expect(settledBy(zombie, finished)).toBe(0);
  expect(await judge(services, [client])).toEqual([]);
}, 120_000);

it('keeps an output before its row says so, and frees a job whose worker froze in the very transaction', async () => {
  const media = await client.uploadReady(await photo({ seed: 3 }), 'p.jpg');
  const objects = async (): Promise<number> =>
    (await readdir(join(services.dataDir, 'objects', client.userId), { recursive: true })).filter(
      (name) => name.length > 64,
    ).length;
  const gate = await DatabaseLock.onObjects(services.database);
  const { id } = await thumbnail(media.id);
  await gate.awaitBlocked(PUT);
  const before = await objects();
  lock = await DatabaseLock.onJob(services.database, id);
  await gate.release();
  await lock.awaitBlocked(SETTLE);
  expect(await objects()).toBe(before + 1);

  // Its statement will now succeed, and its transaction stay open for as long as it is frozen.
  zombie.signal('SIGSTOP');
  await lock.release();
  await rescuer.start();
  const finished = await until('the job to be completed', async () => {
    const [job] = await services.database.query<Job[]>(
      "SELECT id, epoch::int AS attempts FROM job WHERE id = $1 AND status = 'completed'",
      [id],
    );
    return job;
  });
  expect(finished).toMatchObject({ attempts: 2 });
  expect(await objects()).toBe(before + 1);
  zombie.signal('SIGCONT');
  await until('the late completion', () => staleOf(zombie, finished) > 0);
  expect(await judge(services, [client])).toEqual([]);
}, 120_000);

it('does not let a frozen worker give back the job that another one has by then', async () => {
  const [zombieGate, rescuerGate] = [await EngineGate.make(), await EngineGate.make()];
  const first = services.worker('video-processor', { FFMPEG_PATH: zombieGate.path });
  const second = services.worker('video-processor', { FFMPEG_PATH: rescuerGate.path });
  try {
    zombieGate.close();
    rescuerGate.close();
    await first.start();
    const clip = await readFile(await makeClip({ seconds: 2, width: 160, height: 96 }));
    const media = await client.uploadReady(clip, 'clip.mp4');
    const params = { start_time: 0.5, end_time: 1.5 };
    const { id } = await client.createJob({
      operation: 'video.trim',
      inputs: [{ media_id: media.id }],
      params,
    });
    const [engine] = await until('the engine', () => {
      const found = encoders(services.dataDir, `${id}.1`);
      return found.length > 0 && found;
    });
    first.signal('SIGSTOP');
    process.kill(engine!.pid, 'SIGKILL');
    await second.start();
    await until('the second attempt', () => encoders(services.dataDir, `${id}.2`).length > 0);

    first.signal('SIGCONT');
    await until('the frozen worker to look', () =>
      first.log.some(({ job_id, attempt }) => job_id === id && attempt === 1),
    );
    expect(await client.job(id)).toMatchObject({ status: 'processing', attempts: 2 });
    rescuerGate.open();
    const finished = await client.waitJob(id);
    expect(finished).toMatchObject({ status: 'completed', attempts: 2 });
    expect(finished.events.map(({ reason }) => reason)).toEqual([
      'created',
      'claimed',
      'lapsed',
      'claimed',
      'done',
    ]);
    expect(await judge(services, [client])).toEqual([]);
  } finally {
    await first.kill9();
    await second.kill9();
    zombieGate.remove();
    rescuerGate.remove();
  }
}, 120_000);
