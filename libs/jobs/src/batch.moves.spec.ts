import { AppError } from '@mediakiln/contracts';
import { Batch, JobEvent, WebhookDelivery } from '@mediakiln/entities';
import { batchScene, rowsOf } from '../../../test/support/batches';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { createUser } from '../../../test/support/jobs';

let database: TestDatabase;
let scene: ReturnType<typeof batchScene>;
let owner: string;

beforeAll(async () => {
  database = await createTestDatabase();
  scene = batchScene(database.dataSource);
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.dataSource.query('TRUNCATE job, batch, webhook_delivery CASCADE');
  owner = await createUser(database.dataSource);
});

const given = (rows: string[][], values: Partial<Batch> = {}) => scene.given(owner, rows, values);
const read = async (id: string) => (await scene.reader.find(owner, id))!;
const deliveries = () => database.dataSource.getRepository(WebhookDelivery).find();

describe('canceling a batch', () => {
  it('ends what waits and what runs, with its trail, and closes it', async () => {
    const { id, jobs } = await given(rowsOf(5));
    const done = await scene.end('completed');
    const running = (await scene.claim())!;
    expect(await scene.moves.cancel(owner, id)).toBe(true);
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
    expect(await scene.moves.cancel(owner, id)).toBe(false);
  });

  it('counts what it kept out as failed', async () => {
    const { id } = await given(rowsOf(2), { images_total: 10, inserted_at: null });
    await scene.end('completed');
    await scene.moves.cancel(owner, id);
    expect(await read(id)).toMatchObject({ status: 'canceled', images_processed: 1, images_failed: 9 });
  });

  it('does not touch the batch of somebody else', async () => {
    const { id } = await given(rowsOf(1));
    const other = await createUser(database.dataSource);
    expect(await scene.moves.cancel(other, id)).toBe(false);
    expect((await read(id)).status).toBe('processing');
    await expect(scene.moves.retryFailed(other, id)).rejects.toMatchObject({ code: 'batch_not_retryable' });
  });

  it('does not wait for a row that a worker has locked, and the sweeper goes on where it was cut off', async () => {
    const { id } = await given(rowsOf(2_500));
    await database.dataSource.getRepository(Batch).update(id, { canceled_at: new Date() });
    const locking = database.dataSource.createQueryRunner();
    await locking.startTransaction();
    await locking.query('SELECT FROM job ORDER BY id LIMIT 1 FOR UPDATE');
    expect(await scene.sweep()).toBe(1_000);
    expect(await scene.sweep()).toBe(1_000);
    expect(await scene.sweep()).toBe(499);
    await locking.commitTransaction();
    await locking.release();
    expect(await scene.sweep()).toBe(2);
    expect(await read(id)).toMatchObject({ status: 'canceled', images_failed: 2_500 });
    expect(await database.dataSource.getRepository(JobEvent).countBy({ reason: 'canceled_by_user' })).toBe(
      2_500,
    );
  });

  it('is what canceling its last job by hand is not', async () => {
    const { id, jobs } = await given(rowsOf(1));
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
    const { id } = await given(rowsOf(3), { webhook_url: 'https://c.example/hook' });
    const done = await scene.end('completed');
    const failed = await scene.end('failed');
    await scene.end('canceled');
    expect((await read(id)).status).toBe('completed_with_errors');
    expect([...(await scene.moves.retryFailed(owner, id))]).toEqual([['image', 2]]);
    expect(await read(id)).toMatchObject({
      status: 'processing',
      images_processed: 1,
      images_failed: 0,
      finished_at: null,
    });
    expect((await scene.trail(failed)).slice(-2)).toEqual(['failed 1 error', 'pending 1 retried_by_hand']);
    expect((await scene.trail(done)).at(-1)).toBe('completed 1 done');
    await scene.end('completed');
    await scene.end('completed');
    expect(await read(id)).toMatchObject({ status: 'completed', images_processed: 3, images_failed: 0 });
    expect((await deliveries()).map(({ event_type }) => event_type).sort()).toEqual([
      'batch.completed',
      'batch.completed_with_errors',
    ]);
  });

  it('is refused where nothing failed, and where a cancel is under way', async () => {
    const { id } = await given(rowsOf(2));
    const refused = { code: 'batch_not_retryable' };
    await expect(scene.moves.retryFailed(owner, id)).rejects.toMatchObject(refused);
    await scene.end('failed');
    await database.dataSource.getRepository(Batch).update(id, { canceled_at: new Date() });
    await expect(scene.moves.retryFailed(owner, id)).rejects.toMatchObject(refused);
    expect(await database.dataSource.query("SELECT FROM job WHERE status = 'failed'")).toHaveLength(1);
  });

  it('lets what a cancel kept out be inserted', async () => {
    const { id } = await given([], { images_total: 3, inserted_at: null });
    await scene.moves.cancel(owner, id);
    expect((await read(id)).status).toBe('canceled');
    expect([...(await scene.moves.retryFailed(owner, id))]).toEqual([]);
    expect(await read(id)).toMatchObject({ status: 'pending', canceled_at: null, finished_at: null });
  });

  it('opens the batch also for a single job, unless it was canceled as a whole', async () => {
    const { id, jobs } = await given(rowsOf(2));
    await scene.end('completed');
    await scene.end('failed');
    const failed = jobs[1]!;
    expect(await scene.store.retry(owner, failed)).toMatchObject({ id: failed, status: 'pending' });
    expect(await read(id)).toMatchObject({ status: 'processing', images_processed: 1, images_failed: 0 });
    await scene.moves.cancel(owner, id);
    await expect(scene.store.retry(owner, failed)).rejects.toMatchObject({ code: 'job_not_retryable' });
    expect((await scene.read(failed)).status).toBe('canceled');
    expect((await read(id)).status).toBe('canceled');
  });
});
