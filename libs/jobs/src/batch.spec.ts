import { randomUUID } from 'node:crypto';
import { AppError, type WebhookEventType } from '@mediakiln/contracts';
import { Batch, type Job, JobEvent, WebhookDelivery, WebhookEndpoint } from '@mediakiln/entities';
import { givenBatch } from '../../../test/support/batches';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { createUser, jobScene } from '../../../test/support/jobs';
import { BatchCloser } from './batch.closer';
import { BatchMoves } from './batch.moves';
import { BatchReader } from './batch.reader';
import { CloseBatchesDuty } from './duties/close-batches.duty';

let database: TestDatabase;
let scene: ReturnType<typeof jobScene>;
let closer: BatchCloser;
let moves: BatchMoves;
let reader: BatchReader;
let owner: string;

beforeAll(async () => {
  database = await createTestDatabase();
  scene = jobScene(database.dataSource);
  closer = new BatchCloser(database.dataSource, scene.log);
  moves = new BatchMoves(database.dataSource, closer, scene.meter, scene.log);
  reader = new BatchReader(database.dataSource, scene.media);
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.dataSource.query('TRUNCATE job, batch, webhook_delivery CASCADE');
  owner = await createUser(database.dataSource);
});

const given = (rows: string[][], values: Partial<Batch> = {}) =>
  givenBatch(database.dataSource, scene.dispatcher, owner, rows, values);
const read = async (id: string) => (await reader.find(owner, id))!;
const sweep = () => database.dataSource.transaction((tx) => new CloseBatchesDuty(closer, moves).sweep(tx));
const deliveries = () => database.dataSource.getRepository(WebhookDelivery).find();
const urls = (count: number) => Array.from({ length: count }, (_, n) => [`https://a.example/${n}.jpg`]);

async function end(to: 'completed' | 'failed' | 'canceled'): Promise<string> {
  const job = (await scene.claim())!;
  if (to === 'completed') await scene.complete(job);
  else await fail(job, to);
  return job.id;
}

const fail = (job: Job, to: 'failed' | 'canceled' = 'failed') =>
  scene.store.settle({
    id: job.id,
    to,
    reason: to === 'failed' ? 'error' : 'canceled_by_user',
    error: new AppError('download_not_found'),
  });

describe('a batch', () => {
  it('is pending until its first rows are in, then processing, with the counts of its jobs', async () => {
    const { id } = await given(urls(3), { rows_inserted: 0, inserted_at: null });
    expect((await read(id)).status).toBe('pending');
    await database.dataSource.getRepository(Batch).update(id, { rows_inserted: 3 });
    await end('completed');
    await end('failed');
    expect(await read(id)).toMatchObject({ status: 'processing', images_processed: 1, images_failed: 1 });
  });

  it.each([
    [['completed', 'completed'], 'completed', 2, 0],
    [['completed', 'failed'], 'completed_with_errors', 1, 1],
    [['completed', 'canceled'], 'completed_with_errors', 1, 1],
    [['failed', 'failed'], 'failed', 0, 2],
    [['failed', 'canceled'], 'failed', 0, 2],
  ] as const)('whose jobs ended %j is %s', async (ends, status, images_processed, images_failed) => {
    const { id } = await given(urls(2));
    await end(ends[0]);
    expect((await read(id)).finished_at).toBeNull();
    await end(ends[1]);
    expect(await read(id)).toMatchObject({ status, images_processed, images_failed });
    expect((await read(id)).finished_at).toBeInstanceOf(Date);
  });

  const skipped = [{ row: 2, column: null, code: 'csv_row_without_url', value: null, detail: '' }];
  it.each([
    ['rows left out', skipped, 'completed_with_errors'],
    ['no rows left out', [], 'completed'],
  ])('with %s that ran through says so', async (_, errors, status) => {
    const { id } = await given(urls(1), { errors });
    await end('completed');
    expect((await read(id)).status).toBe(status);
  });

  it.each([
    ['rows left out', skipped, 'failed'],
    ['all of it done before', [], 'completed'],
  ])('with nothing to run and %s is closed by the sweeper', async (_, errors, status) => {
    const { id } = await given([], { errors });
    expect(await sweep()).toBe(1);
    expect(await read(id)).toMatchObject({ status, images_processed: 0, images_failed: 0 });
  });

  it('counts a job once for each row that names its address', async () => {
    const [a, b] = ['https://a.example/1.jpg', 'https://a.example/2.jpg'];
    const { id, jobs } = await given([[a, b, a], [a]]);
    expect(jobs).toHaveLength(2);
    await end('completed');
    expect(await read(id)).toMatchObject({ images_total: 4, images_processed: 3, images_failed: 0 });
    await end('failed');
    expect(await read(id)).toMatchObject({
      status: 'completed_with_errors',
      images_processed: 3,
      images_failed: 1,
    });
  });

  it('is not closed while rows are still to be inserted', async () => {
    const { id } = await given(urls(1), { inserted_at: null, images_total: 2 });
    await end('completed');
    expect(await sweep()).toBe(0);
    await database.dataSource.getRepository(Batch).update(id, { inserted_at: new Date(), images_total: 1 });
    expect(await sweep()).toBe(1);
    expect((await read(id)).status).toBe('completed');
  });

  it('is closed once when its last jobs end at the same time, with one delivery per receiver', async () => {
    const endpoints = database.dataSource.getRepository(WebhookEndpoint);
    const endpoint = { id: randomUUID(), owner_id: owner, url: 'https://b.example/', secret: 'x' };
    await endpoints.insert({ ...endpoint, events: ['batch.completed'] });
    await endpoints.insert({ ...endpoint, id: randomUUID(), events: ['*'], disabled_at: new Date() });
    await endpoints.insert({ ...endpoint, id: randomUUID(), events: ['batch.failed', 'job.completed'] });
    for (let round = 0; round < 5; round += 1) {
      await database.dataSource.query('TRUNCATE webhook_delivery CASCADE');
      const { id } = await given(urls(8), { webhook_url: 'https://c.example/hook' });
      const held = await Promise.all(
        Array.from({ length: 8 }, async () => (await scene.claim()) ?? (await scene.claim())!),
      );
      await Promise.all(held.map((job) => scene.complete(job)));
      expect(await read(id)).toMatchObject({ status: 'completed', images_processed: 8 });
      const told = await deliveries();
      expect(told.map((one) => [one.url, one.endpoint_id, one.batch_id, one.event_type])).toEqual(
        expect.arrayContaining([
          ['https://c.example/hook', null, id, 'batch.completed' satisfies WebhookEventType],
          [null, endpoint.id, id, 'batch.completed'],
        ]),
      );
      expect(told).toHaveLength(2);
      expect(await sweep()).toBe(0);
    }
  });

  it('is closed by the sweeper when its last worker died before it could', async () => {
    const { id } = await given(urls(1));
    await database.dataSource.query("UPDATE job SET status = 'completed', finished_at = now()");
    expect((await read(id)).finished_at).toBeNull();
    expect(await sweep()).toBe(1);
    expect(await read(id)).toMatchObject({ status: 'completed', images_processed: 1 });
    expect(await sweep()).toBe(0);
  });
});

describe('canceling a batch', () => {
  it('ends what waits and what runs, with its trail, and closes it', async () => {
    const { id, jobs } = await given(urls(5));
    const done = await end('completed');
    const running = (await scene.claim())!;
    expect(await moves.cancel(owner, id)).toBe(true);
    expect(await read(id)).toMatchObject({ status: 'canceled', images_processed: 1, images_failed: 4 });
    for (const job of jobs.filter((one) => one !== done))
      expect((await scene.trail(job)).at(-1)).toBe(
        job === running.id ? 'canceled 1 canceled_by_user' : 'canceled 0 canceled_by_user',
      );
    expect((await scene.trail(done)).at(-1)).toBe('completed 1 done');
    // The worker learns of it as of any other cancel, and can settle nothing any more.
    expect((await scene.store.standing([running.id])).get(running.id)!.status).toBe('canceled');
    expect(await scene.complete(running)).toBeNull();
    expect(await scene.read(running.id)).toMatchObject({ status: 'canceled', error_code: 'conflict' });
    expect(await moves.cancel(owner, id)).toBe(false);
  });

  it('counts what it kept out as failed', async () => {
    const { id } = await given(urls(2), { images_total: 10, inserted_at: null });
    await end('completed');
    await moves.cancel(owner, id);
    expect(await read(id)).toMatchObject({ status: 'canceled', images_processed: 1, images_failed: 9 });
  });

  it('does not touch the batch of somebody else', async () => {
    const { id } = await given(urls(1));
    const other = await createUser(database.dataSource);
    expect(await moves.cancel(other, id)).toBe(false);
    expect((await read(id)).status).toBe('processing');
    await expect(moves.retryFailed(other, id)).rejects.toMatchObject({ code: 'batch_not_retryable' });
  });

  it('does not wait for a row that a worker has locked, and the sweeper goes on where it was cut off', async () => {
    const { id } = await given(urls(2_500));
    await database.dataSource.getRepository(Batch).update(id, { canceled_at: new Date() });
    const locking = database.dataSource.createQueryRunner();
    await locking.startTransaction();
    await locking.query('SELECT FROM job ORDER BY id LIMIT 1 FOR UPDATE');
    expect(await sweep()).toBe(1_000);
    expect(await sweep()).toBe(1_000);
    expect(await sweep()).toBe(499);
    await locking.commitTransaction();
    await locking.release();
    expect(await sweep()).toBe(2);
    expect(await read(id)).toMatchObject({ status: 'canceled', images_failed: 2_500 });
    expect(await database.dataSource.getRepository(JobEvent).countBy({ reason: 'canceled_by_user' })).toBe(
      2_500,
    );
  });

  it('is what canceling its last job by hand is not', async () => {
    const { id, jobs } = await given(urls(1));
    await scene.store.settle({
      id: jobs[0]!,
      owner_id: owner,
      to: 'canceled',
      reason: 'canceled_by_user',
      error: new AppError('conflict'),
    });
    expect((await read(id)).status).toBe('failed');
  });
});

describe('retrying what failed', () => {
  it('opens the batch again, leaves what is done alone, and closes it anew with its deliveries', async () => {
    const { id } = await given(urls(3), { webhook_url: 'https://c.example/hook' });
    const done = await end('completed');
    const failed = await end('failed');
    await end('canceled');
    expect((await read(id)).status).toBe('completed_with_errors');
    expect([...(await moves.retryFailed(owner, id))]).toEqual([['image', 2]]);
    expect(await read(id)).toMatchObject({
      status: 'processing',
      images_processed: 1,
      images_failed: 0,
      finished_at: null,
    });
    expect((await scene.trail(failed)).slice(-2)).toEqual(['failed 1 error', 'pending 1 retried_by_hand']);
    expect((await scene.trail(done)).at(-1)).toBe('completed 1 done');
    await end('completed');
    await end('completed');
    expect(await read(id)).toMatchObject({ status: 'completed', images_processed: 3, images_failed: 0 });
    expect((await deliveries()).map(({ event_type }) => event_type).sort()).toEqual([
      'batch.completed',
      'batch.completed_with_errors',
    ]);
  });

  it('is refused where nothing failed, and where a cancel is under way', async () => {
    const { id } = await given(urls(2));
    const refused = { code: 'batch_not_retryable' };
    await expect(moves.retryFailed(owner, id)).rejects.toMatchObject(refused);
    await end('failed');
    await database.dataSource.getRepository(Batch).update(id, { canceled_at: new Date() });
    await expect(moves.retryFailed(owner, id)).rejects.toMatchObject(refused);
    expect(await database.dataSource.query("SELECT FROM job WHERE status = 'failed'")).toHaveLength(1);
  });

  it('lets what a cancel kept out be inserted', async () => {
    const { id } = await given([], { images_total: 3, inserted_at: null });
    await moves.cancel(owner, id);
    expect((await read(id)).status).toBe('canceled');
    expect([...(await moves.retryFailed(owner, id))]).toEqual([]);
    expect(await read(id)).toMatchObject({ status: 'pending', canceled_at: null, finished_at: null });
  });

  it('opens the batch also for a single job, unless it was canceled as a whole', async () => {
    const { id, jobs } = await given(urls(2));
    await end('completed');
    await end('failed');
    const failed = jobs[1]!;
    expect(await scene.store.retry(owner, failed)).toMatchObject({ id: failed, status: 'pending' });
    expect(await read(id)).toMatchObject({ status: 'processing', images_processed: 1, images_failed: 0 });
    await moves.cancel(owner, id);
    await expect(scene.store.retry(owner, failed)).rejects.toMatchObject({ code: 'job_not_retryable' });
    expect((await scene.read(failed)).status).toBe('canceled');
    expect((await read(id)).status).toBe('canceled');
  });
});
