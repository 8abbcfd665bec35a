import { mkdir, rm, writeFile } from 'node:fs/promises';
import { AppError } from '@mediakiln/contracts';
import { Media, StoredObject, Worker } from '@mediakiln/entities';
import { ObjectStore } from '@mediakiln/media';
import { Meter } from '@mediakiln/observability';
import { Storage, objectKey } from '@mediakiln/storage';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { createUser } from '../../../test/support/jobs';
import { type TestWorker, produce, startWorker } from '../../../test/support/worker';
import { until } from '../../../test/support/until';
import { endless, workerScene } from '../../../test/support/worker-scene';
import { JobStore } from './job.store';
import { Workdirs } from './workdir';

/** What a loaded machine may add to the second between two looks; the lease is far longer. */
const SLACK_MS = 10_000;

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
  worker = await startWorker(database.url);
  scene = workerScene(database.dataSource, worker, owner);
});
afterEach(() => worker.close());

describe('errors', () => {
  it('of the input fail the job at once', async () => {
    worker.executor.script = () => Promise.reject(new AppError('image_corrupt', 'no Huffman table'));
    const id = await scene.submit();
    expect(await scene.settled(id)).toMatchObject({
      status: 'failed',
      error_code: 'image_corrupt',
      error_detail: 'no Huffman table',
      failures: 1,
      epoch: 1,
    });
    expect(await scene.outputs(id)).toEqual([]);
    await scene.workFolderIsGone();
  });

  it('of the disk are tried again, and nobody holds what was not begun', async () => {
    const { root } = worker.app.get(Workdirs);
    await rm(root, { recursive: true });
    await writeFile(root, 'no folder can be made in a file');
    const id = await scene.submit();
    await until('the attempt has failed', async () => {
      const { error_code, failures } = await scene.read(id);
      return error_code === 'storage_unavailable' && failures === 1;
    });
    await rm(root);
    await mkdir(root);
    const failedAtMs = Date.now();
    const told = await until('the worker has told once more what it holds', async () => {
      const [row] = await database.dataSource.getRepository(Worker).find();
      return row!.heartbeat_at.getTime() > failedAtMs + 1_000 && row;
    });
    expect(told.current_jobs).toEqual({});
    await database.dataSource.query('UPDATE job SET run_at = now() WHERE id = $1', [id]);
    expect(await scene.settled(id)).toMatchObject({ status: 'completed', epoch: 2 });
  });

  it('of the engine are tried again after a pause', async () => {
    let tries = 0;
    worker.executor.script = (execution) =>
      (tries += 1) === 1 ? Promise.reject(new AppError('engine_crashed')) : produce(execution, 'second try');
    const id = await scene.submit();
    const waiting = await until('the job waits', async () => {
      const job = await scene.read(id);
      return job.status === 'pending' && job.failures === 1 && job;
    });
    expect(waiting).toMatchObject({ due: false, error_code: 'engine_crashed' });
    expect(waiting.run_at.getTime()).toBeGreaterThan(waiting.claimed_at!.getTime() + 1_000);
    expect(await scene.settled(id)).toMatchObject({ status: 'completed', error_code: null, epoch: 2 });
    expect(await scene.reasons(id)).toEqual(['created', 'claimed', 'retry', 'claimed', 'done']);
  });

  it('of the engine end the job after the third failure', async () => {
    worker.executor.script = () => Promise.reject(new AppError('engine_crashed'));
    const id = await scene.submit();
    for (let failure = 1; failure < 3; failure += 1) {
      await until(`failure ${failure}`, async () => (await scene.read(id)).failures >= failure);
      await database.dataSource.query('UPDATE job SET run_at = now() WHERE id = $1', [id]);
    }
    expect(await scene.settled(id)).toMatchObject({
      status: 'failed',
      error_code: 'engine_crashed',
      failures: 3,
      deaths: 0,
    });
  });

  it('that nobody foresaw say nothing of our inside to the user', async () => {
    worker.executor.script = () => Promise.reject(new Error('ENOENT: /var/secret/path'));
    const id = await scene.submit();
    const job = await until('a failure', async () => {
      const now = await scene.read(id);
      return now.failures > 0 && now;
    });
    expect(job.error_code).toBe('internal_error');
    expect(job.error_detail).not.toContain('secret');
  });

  it('fail a job whose input was deleted', async () => {
    const media = await scene.givenMedia();
    const id = await scene.submit({ inputs: [{ media_id: media }], delay_seconds: 3_600 });
    await database.dataSource.getRepository(Media).delete(media);
    await database.dataSource.query('UPDATE job SET run_at = now() WHERE id = $1', [id]);
    expect(await scene.settled(id)).toMatchObject({ status: 'failed', error_code: 'input_gone' });
  });

  it('do not arise from an input that is still being probed: the job waits for it', async () => {
    const media = await scene.givenMedia();
    await scene.updateMedia(media, { status: 'processing' });
    const id = await scene.submit({ inputs: [{ media_id: media }] });
    await until('it was deferred', async () => (await scene.reasons(id)).includes('deferred'));
    await scene.updateMedia(media, { status: 'ready' });
    expect(await scene.settled(id)).toMatchObject({ status: 'completed', failures: 0, deaths: 0 });
  });
});

describe('running work ends within seconds', () => {
  it('when the job is canceled: the engine is told, nothing is kept', async () => {
    const engine = endless();
    worker.executor.script = engine.script;
    const id = await scene.submit();
    await scene.runs();
    const canceledAt = Date.now();
    await worker.app.get(JobStore).settle({
      id,
      owner_id: owner,
      to: 'canceled',
      reason: 'canceled_by_user',
      error: new AppError('conflict', 'The job was canceled'),
    });
    await engine.aborted;
    expect(Date.now() - canceledAt).toBeLessThan(1_000 + SLACK_MS);
    await scene.workFolderIsGone();
    expect(await scene.read(id)).toMatchObject({ status: 'canceled', failures: 0, deaths: 0 });
  });

  it('when the lease was taken away; its result would be refused and counted', async () => {
    const engine = endless();
    worker.executor.script = engine.script;
    const id = await scene.submit();
    await scene.runs();
    worker.executor.script = (execution) => produce(execution, 'of the winner');
    await worker.app.get(JobStore).giveBack({ id, epoch: 1 }, { reason: 'lapsed', delaySeconds: 0 });
    await engine.aborted;
    expect(await scene.settled(id)).toMatchObject({ status: 'completed', epoch: 2, deaths: 1 });
    expect((await scene.outputs(id)).map((media) => media.bytes)).toEqual([13]);
  });

  it('when the time limit is over, with a code that says so', async () => {
    const engine = endless();
    worker.executor.script = engine.script;
    const operation = worker.executor.operations.find((one) => one.name === 'image.compress')!;
    const limit = jest.spyOn(operation, 'timeoutSeconds').mockReturnValue(0.2);
    try {
      const job = await scene.settled(await scene.submit());
      expect(job).toMatchObject({ status: 'failed', error_code: 'job_timeout', failures: 1 });
    } finally {
      limit.mockRestore();
    }
  });
});

it('refuses the result of a worker whose job went on without it', async () => {
  let release: () => void;
  const held = new Promise<void>((resolve) => (release = resolve));
  worker.executor.script = async (execution) => {
    await database.dataSource.query('UPDATE job SET epoch = epoch + 1 WHERE id = $1', [execution.job_id]);
    release();
    return produce(execution, 'late');
  };
  const id = await scene.submit();
  await held;
  const stale = worker.app.get(Meter).staleCompletions;
  await until('the completion was refused', async () => (await stale.get()).values[0]?.value === 1);
  expect(await scene.outputs(id)).toEqual([]);
  expect(await scene.read(id)).toMatchObject({ status: 'processing', epoch: 2 });
});

it('puts the bytes again when the sweeper took the object between put and settle', async () => {
  const store = worker.app.get(ObjectStore);
  const put = store.put.bind(store);
  let puts = 0;
  jest.spyOn(store, 'put').mockImplementation(async (ownerId, staged) => {
    await put(ownerId, staged);
    if ((puts += 1) > 1) return;
    await worker.app.get(Storage).delete(objectKey(ownerId, staged.sha256));
    await database.dataSource
      .getRepository(StoredObject)
      .delete({ owner_id: ownerId, sha256: staged.sha256 });
  });
  worker.executor.script = (execution) => produce(execution, 'kept');
  const media = await scene.givenMedia();
  const id = await scene.submit({ inputs: [{ media_id: media }] });
  expect(await scene.settled(id)).toMatchObject({ status: 'completed', failures: 0 });
  const [output] = await scene.outputs(id);
  expect(await worker.app.get(Storage).stat(objectKey(owner, output!.sha256!))).toEqual({ bytes: 4 });
  expect(puts).toBe(2);
});
