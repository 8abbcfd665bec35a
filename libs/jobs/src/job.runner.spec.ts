import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppConfig } from '@mediakiln/config';
import { AppError } from '@mediakiln/contracts';
import { Storage, objectKey } from '@mediakiln/storage';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { createUser } from '../../../test/support/jobs';
import { type TestWorker, produce, startWorker } from '../../../test/support/worker';
import { until } from '../../../test/support/until';
import { IMAGE_PROBE, endless, workerScene } from '../../../test/support/worker-scene';
import { JobDispatcher } from './job.dispatcher';
import { JobFollower } from './job.follower';
import { JobStore } from './job.store';
import { LeaseKeeper } from './lease.keeper';
import { WorkerRow } from './worker.row';

let database: TestDatabase;
let worker: TestWorker;
let scene: ReturnType<typeof workerScene>;
let owner: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  // What another test has left would be run here.
  await database.dataSource.query('TRUNCATE job CASCADE');
  owner = await createUser(database.dataSource);
  await start();
});
afterEach(() => worker.close());

async function start(values: Partial<AppConfig> = {}): Promise<void> {
  worker = await startWorker(database.url, values);
  scene = workerScene(database.dataSource, worker, owner);
}

async function restart(values: Partial<AppConfig>): Promise<void> {
  await worker.close();
  await start(values);
}

it('takes a job from its doorbell to a completed job with a stored output', async () => {
  worker.executor.script = (execution) => produce(execution, 'smaller');
  const id = await scene.submit({ params: { quality: 40 } });
  expect(await scene.settled(id)).toMatchObject({
    status: 'completed',
    report: { length: 7 },
    epoch: 1,
    failures: 0,
  });
  const [output, ...others] = await scene.outputs(id);
  expect(others).toEqual([]);
  expect(output).toMatchObject({
    status: 'ready',
    name: 'photo-compress.jpg',
    bytes: 7,
    variant: 'output',
    kind: 'image',
  });
  const stream = await worker.app.get(Storage).open(objectKey(owner, output!.sha256!));
  expect(Buffer.concat(await stream.toArray()).toString()).toBe('smaller');
  expect(worker.executor.runs[0]).toMatchObject({
    params: { quality: 40 },
    inputs: [{ container: 'jpeg', bytes: 16 }],
  });
  expect(await scene.reasons(id)).toEqual(['created', 'claimed', 'done']);
  await scene.workFolderIsGone();
});

it('settles what a probe found in the same transaction', async () => {
  const media = await scene.givenMedia();
  await scene.updateMedia(media, { status: 'processing', probe: null });
  worker.executor.script = () => Promise.resolve({ outputs: [], facts: { ...IMAGE_PROBE, width: 77 } });
  await scene.settled(await scene.submit({ operation: 'image.probe', inputs: [{ media_id: media }] }));
  expect(await scene.media(media)).toMatchObject({
    status: 'ready',
    probe: { width: 77 },
  });
});

it('marks a media failed with its probe, and lets a retry by hand heal both', async () => {
  const media = await scene.givenMedia();
  await scene.updateMedia(media, { status: 'processing', probe: null });
  worker.executor.script = () => Promise.reject(new AppError('image_truncated', 'ends at row 3'));
  const id = await scene.submit({ operation: 'image.probe', inputs: [{ media_id: media }] });
  expect(await scene.settled(id)).toMatchObject({ status: 'failed', error_code: 'image_truncated' });
  expect(await scene.media(media)).toMatchObject({
    status: 'failed',
    error_code: 'image_truncated',
    error_detail: 'ends at row 3',
  });
  worker.executor.script = () => Promise.resolve({ outputs: [], facts: IMAGE_PROBE });
  await worker.app.get(JobStore).retry(owner, id);
  expect((await scene.media(media)).status).toBe('processing');
  expect(await scene.settled(id)).toMatchObject({ status: 'completed', epoch: 2 });
  expect(await scene.media(media)).toMatchObject({ status: 'ready', error_code: null });
});

it('gives running work back on shutdown, which counts as neither failure nor death', async () => {
  // What is left of the grace time after the end of the work is for giving it back.
  await restart({ shutdownGraceSeconds: 10 });
  const engine = endless();
  worker.executor.script = engine.script;
  const id = await scene.submit();
  await scene.runs();
  await worker.app.close();
  expect(await scene.read(id)).toMatchObject({
    status: 'pending',
    due: true,
    failures: 0,
    deaths: 0,
    epoch: 1,
  });
  expect(await scene.reasons(id)).toEqual(['created', 'claimed', 'drained']);
  await expect(access(join(worker.dataDir, 'work', `${id}.1`))).rejects.toThrow();
});

it('lets work that ends in time finish on shutdown', async () => {
  await restart({ shutdownGraceSeconds: 30 });
  const leases = worker.app.get(LeaseKeeper);
  worker.executor.script = async (execution) => {
    await until('the shutdown', () => leases.isDraining);
    return produce(execution, 'in time');
  };
  const id = await scene.submit();
  await scene.runs();
  await worker.app.close();
  expect(await scene.read(id)).toMatchObject({ status: 'completed', epoch: 1 });
});

it('tells how far a job is through the row of its worker', async () => {
  const engine = endless();
  worker.executor.script = (execution) => {
    execution.onProgress({ percent: 40, stage: 'encoding', eta_seconds: 3 });
    execution.onProgress({ percent: 30, stage: 'encoding', eta_seconds: 4 });
    return engine.script(execution);
  };
  const id = await scene.submit();
  const seen: unknown[] = [];
  const subscription = worker.app
    .get(JobFollower)
    .watch(id)
    .subscribe((job) => seen.push(job.progress?.percent));
  await until('progress is told', () => Promise.resolve(seen.includes(40)));
  expect(seen).not.toContain(30);
  subscription.unsubscribe();
});

it('writes a row that says what this worker can do, and takes it away on shutdown', async () => {
  const { bootId } = worker.app.get(WorkerRow);
  const find = () =>
    database.dataSource.query('SELECT operations, versions FROM worker WHERE boot_id = $1', [bootId]);
  expect(await find()).toEqual([
    { operations: ['image.compress', 'image.probe'], versions: { script: '1' } },
  ]);
  await worker.app.close();
  expect(await find()).toEqual([]);
});

it('runs delayed work when its time has come, and rings for what nobody rang for', async () => {
  const dispatcher = worker.app.get(JobDispatcher);
  const media = await scene.givenMedia();
  const { jobs } = await database.dataSource.transaction((tx) =>
    dispatcher.insert(tx, [
      { owner_id: owner, operation: 'image.compress', inputs: [{ media_id: media }], delay_seconds: 0.6 },
      { owner_id: owner, operation: 'image.compress', inputs: [{ media_id: media }] },
    ]),
  );
  for (const job of jobs) expect((await scene.settled(job.id)).status).toBe('completed');
  const delayed = await scene.read(jobs[0]!.id);
  expect(delayed.claimed_at!.getTime()).toBeGreaterThanOrEqual(delayed.run_at.getTime());
});
