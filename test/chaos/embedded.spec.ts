import { readFile } from 'node:fs/promises';
import { Client } from '../support/client';
import { makeClip } from '../support/clips';
import { Embedded } from '../support/embedded';
import { DatabaseLock } from '../support/database-lock';
import { EngineGate } from '../support/engine-gate';
import { judge, leftovers } from '../support/oracle';
import { photo } from '../support/pictures';
import { encoders, engines } from '../support/proc';
import { until } from '../support/until';
import { type Video, VideoClient } from '../support/video-client';

/** So long that no job of this test could be waiting for its lease to lapse. */
const LEASE_SECONDS = '600';
const PHOTOS = 12;

let gate: EngineGate;
let embedded: Embedded;

beforeEach(async () => {
  if (embedded && !embedded.app.isRunning) await embedded.restart();
}, 100_000);
beforeAll(async () => {
  gate = await EngineGate.make();
  embedded = await Embedded.start({ LEASE_SECONDS, FFMPEG_PATH: gate.path });
}, 180_000);
afterAll(async () => {
  await embedded?.close();
  gate?.remove();
}, 60_000);

it('loses nothing when all of it is killed, and goes on at once when it starts again', async () => {
  const client = await Client.register(embedded.url);
  const clip = await readFile(await makeClip({ seconds: 2, width: 160, height: 96 }));
  const video = await client.uploadReady(clip, 'clip.mp4');
  gate.close();
  const held = await client.createJob({
    operation: 'video.trim',
    inputs: [{ media_id: video.id }],
    params: { start_time: 0.5, end_time: 1.5 },
  });
  await until('the engine', () => encoders(embedded.dataDir, held.id).length > 0);
  for (let seed = 0; seed < PHOTOS; seed++) {
    const { id } = await client.upload(await photo({ seed }), `${seed}.jpg`);
    await client.createJob({ operation: 'image.compress', inputs: [{ media_id: id }] });
  }

  await embedded.kill9();
  await until('the engine to die with its master', () => engines(embedded.dataDir).length === 0);
  gate.open();
  await embedded.restart();
  expect(await client.waitJob(held.id)).toMatchObject({ status: 'completed', attempts: 2 });
  expect(await judge(embedded, [client])).toEqual([]);
  for (const id of client.jobs)
    expect(await client.job(id)).toMatchObject({ status: 'completed', error: null });
}, 150_000);

it('ends cleanly on SIGTERM with work in hand, and finishes it after the next start', async () => {
  const client = await Client.register(embedded.url);
  const clip = await readFile(await makeClip({ seconds: 2, width: 160, height: 96 }));
  const video = await client.uploadReady(clip, 'clip.mp4');
  gate.close();
  const held = await client.createJob({
    operation: 'video.trim',
    inputs: [{ media_id: video.id }],
    params: { start_time: 0.5, end_time: 1.5 },
  });
  await until('the engine', () => encoders(embedded.dataDir, held.id).length > 0);
  await embedded.terminate();
  expect(await leftovers(embedded.dataDir)).toEqual([]);
  gate.open();
  await embedded.restart();
  const finished = await client.waitJob(held.id);
  expect(finished.events.map(({ reason }) => reason)).toEqual([
    'created',
    'claimed',
    'drained',
    'claimed',
    'done',
  ]);
  expect(await judge(embedded, [client])).toEqual([]);
}, 150_000);

it('makes one video of chunks when it was killed after the last of them and before the video', async () => {
  const account = await Client.register(embedded.url);
  const client = VideoClient.with(embedded.url, account.authorization.authorization.replace('Bearer ', ''));
  const clip = await readFile(await makeClip({ seconds: 2, width: 160, height: 96 }));
  const half = Math.ceil(clip.length / 2);
  const send = (number: number): ReturnType<VideoClient['chunk']> =>
    client.chunk({ number, total: 2, fileId: 'x', bytes: clip.subarray((number - 1) * half, number * half) });
  expect((await send(2)).body).toMatchObject({ missing: [1] });
  const lock = await DatabaseLock.onObjects(embedded.database);
  const unanswered = send(1).then(
    ({ status }) => status,
    () => 'nothing',
  );
  await lock.awaitWaiting(1);
  await embedded.kill9();
  expect(await unanswered).toBe('nothing');
  await embedded.restart();
  // Whichever is sent again: both were kept, and the turn of the dead lapses.
  const { status, body } = await send(2);
  expect([status, body]).toMatchObject([201, { video: { size: clip.length } }]);
  expect(await client.list()).toEqual([(body as { video: object }).video]);
  expect((await send(1)).body).toMatchObject({ video: { id: (body as { video: Video }).video.id } });
}, 150_000);
