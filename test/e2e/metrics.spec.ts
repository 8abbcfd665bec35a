import { readFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type Job } from '../support/client';
import { makeClip } from '../support/clips';
import { EngineGate } from '../support/engine-gate';
import { LoadedModules } from '../support/loaded-modules';
import { Metrics } from '../support/metrics';
import { cutOff, photo } from '../support/pictures';
import { encoders } from '../support/proc';
import { Services } from '../support/services';
import { until } from '../support/until';

const EVERYWHERE = [
  'media_jobs_total',
  'media_job_duration_seconds',
  'media_job_queue_wait_seconds',
  'media_sweeper_repairs_total',
  'media_stale_completions_total',
  'media_upload_bytes_total',
  'media_engine_restarts_total',
  'media_http_request_duration_seconds',
  'media_failed_acks_total',
  'media_failed_rings_total',
  'nodejs_eventloop_lag_seconds',
  'nodejs_eventloop_lag_p99_seconds',
];
const SETTLE_MS = 3_000;
const IDLE_MS = 8_000;

let services: Services;
let gate: EngineGate;
let modules: LoadedModules;

beforeAll(async () => {
  gate = await EngineGate.make();
  modules = new LoadedModules();
  services = await Services.start({
    env: { ...modules.env, LOG_LEVEL: 'trace', LEASE_SECONDS: '30', FFMPEG_PATH: gate.path },
  });
}, 180_000);
afterAll(async () => {
  await services?.close();
  gate?.remove();
  modules?.remove();
}, 60_000);
afterEach(() => gate.open());

const ofGateway = (): Promise<Metrics> => Metrics.read(services.gatewayMetricsUrl);
const ofImage = (): Promise<Metrics> => Metrics.read(`${services.image.healthUrl}/metrics`);
const ofVideo = (): Promise<Metrics> => Metrics.read(`${services.video.healthUrl}/metrics`);

const compress = (client: Client, media_id: string, more = {}): Promise<Job> =>
  client.createJob({ operation: 'image.compress', inputs: [{ media_id }], ...more });

/** Several lines of the log have to say the same before and after. */
const told = (): unknown[] =>
  services.processes.flatMap(({ log }) =>
    log.filter(({ level }) => ['info', 'warn', 'error', 'fatal'].includes(level)),
  );

it('says nothing while nothing happens', async () => {
  await sleep(SETTLE_MS);
  const before = told().length;
  expect(before).toBeGreaterThan(3);
  await sleep(IDLE_MS);
  expect(told().slice(before)).toEqual([]);
}, 60_000);

it('loads nothing of the OpenTelemetry SDK as long as no collector is named', async () => {
  // prom-client brings the API, which does nothing by itself.
  for (const process of services.processes) expect(await modules.openTelemetry(process)).toEqual(['api']);
});

it('has every metric in every process, and the due jobs where the gateway is', async () => {
  for (const metrics of [await ofGateway(), await ofImage(), await ofVideo()])
    expect(EVERYWHERE.filter((name) => !metrics.names.has(name))).toEqual([]);
  expect((await ofGateway()).names.has('media_jobs_due')).toBe(true);
  expect((await ofImage()).names.has('media_jobs_due')).toBe(false);
});

it('counts uploads, jobs that complete and fail, their time and their wait', async () => {
  const client = await Client.register(services.url);
  const [picture, broken] = [await photo({ seed: 81 }), cutOff(await photo({ seed: 82 }))];
  const ready = await client.uploadReady(picture, 'p.jpg');
  expect((await client.settledMedia((await client.upload(broken, 'b.jpg')).id)).status).toBe('failed');
  expect((await client.waitJob((await compress(client, ready.id)).id)).status).toBe('completed');

  const image = await ofImage();
  expect(image.sum('media_jobs_total', { operation: 'image.compress', status: 'completed' })).toBe(1);
  expect(image.sum('media_jobs_total', { operation: 'image.probe', status: 'completed' })).toBe(1);
  expect(image.sum('media_jobs_total', { operation: 'image.probe', status: 'failed' })).toBe(1);
  expect(image.sum('media_job_duration_seconds_count', { operation: 'image.probe' })).toBe(2);
  expect(image.sum('media_job_duration_seconds_sum', { operation: 'image.compress' })).toBeGreaterThan(0);
  expect(image.sum('media_job_queue_wait_seconds_count', { topic: 'image' })).toBe(3);
  expect(image.sum('media_job_queue_wait_seconds_sum')).toBeLessThan(60);
  expect(image.sum('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);

  const gateway = await ofGateway();
  expect(gateway.sum('media_upload_bytes_total')).toBe(picture.length + broken.length);
  const uploads = { method: 'POST', route: '/v1/media', status: '201' };
  expect(gateway.sum('media_http_request_duration_seconds_count', uploads)).toBe(2);
});

it('counts canceled jobs where they are canceled, and work of the sweeper by its duty', async () => {
  const client = await Client.register(services.url);
  const media = await client.uploadReady(await photo({ seed: 83 }), 'p.jpg');
  const later = await compress(client, media.id, { delay_seconds: 3_600 });
  const soon = await compress(client, media.id, { delay_seconds: 1 });
  await client.expect(200, 'POST', `/v1/jobs/${later.id}/cancel`);
  await client.waitJob(soon.id);
  const gateway = await ofGateway();
  expect(gateway.sum('media_jobs_total', { operation: 'image.compress', status: 'canceled' })).toBe(1);
  expect(gateway.sum('media_job_duration_seconds_count')).toBe(0);
  expect(gateway.sum('media_sweeper_repairs_total', { duty: 'due_jobs' })).toBeGreaterThanOrEqual(1);
});

it('tells how many jobs wait for a worker', async () => {
  const client = await Client.register(services.url);
  const media = await client.uploadReady(await photo({ seed: 84 }), 'p.jpg');
  await services.image.terminate();
  const jobs = await Promise.all([1, 2, 3].map(() => compress(client, media.id)));
  expect((await ofGateway()).sum('media_jobs_due', { topic: 'image' })).toBe(3);
  await sleep(2_000);
  await services.image.start();
  for (const job of jobs) expect((await client.waitJob(job.id)).status).toBe('completed');
  const gateway = await ofGateway();
  expect(gateway.samples.filter(({ name }) => name === 'media_jobs_due')).toHaveLength(3);
  expect(gateway.sum('media_jobs_due')).toBe(0);
  // They waited for at least the two seconds; a new process began to count at zero.
  expect((await ofImage()).sum('media_job_queue_wait_seconds_sum', { topic: 'image' })).toBeGreaterThan(6);
}, 120_000);

it('counts an engine that is killed', async () => {
  const client = await Client.register(services.url);
  const clip = await readFile(await makeClip({ seconds: 2, width: 160, height: 96 }));
  const media = await client.uploadReady(clip, 'clip.mp4');
  gate.close();
  const params = { start_time: 0.5, end_time: 1.5 };
  const job = await client.createJob({ operation: 'video.trim', inputs: [{ media_id: media.id }], params });
  const [engine] = await until('the engine', () => {
    const found = encoders(services.dataDir, `${job.id}.1`);
    return found.length > 0 && found;
  });
  process.kill(engine!.pid, 'SIGKILL');
  gate.open();
  expect(await client.waitJob(job.id)).toMatchObject({ status: 'completed', attempts: 2 });
  const video = await ofVideo();
  expect(video.sum('media_engine_restarts_total')).toBe(1);
  expect(video.sum('media_engine_restarts_total', { engine: 'ffmpeg', reason: 'crashed' })).toBe(1);
}, 120_000);

it('has no label that a user could fill', async () => {
  const name = `label-${randomUUID()}`;
  await fetch(`${services.url}/${name}?x=${name}`, { method: 'PROPFIND', headers: { 'x-request-id': name } });
  for (const metrics of [await ofGateway(), await ofImage(), await ofVideo()]) {
    const values = metrics.samples.flatMap(({ labels }) => Object.values(labels));
    expect(values.filter((value) => /[0-9a-f]{8}-[0-9a-f]{4}|label-|\?/.test(value))).toEqual([]);
  }
});
