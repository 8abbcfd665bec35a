import { readFile } from 'node:fs/promises';
import { Client } from '../support/client';
import { makeClip } from '../support/clips';
import { Embedded } from '../support/embedded';
import { EngineGate } from '../support/engine-gate';
import { judge, leftovers } from '../support/oracle';
import { photo } from '../support/pictures';
import { encoders, engines } from '../support/proc';
import { until } from '../support/until';

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
  await until('the engine to die with its master', () => engines(embedded.dataDir).length === 0, 5_000);
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
