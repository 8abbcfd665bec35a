import { randomUUID } from 'node:crypto';
import type { WebhookEventType } from '@mediakiln/contracts';
import { Batch, WebhookDelivery, WebhookEndpoint } from '@mediakiln/entities';
import { batchScene, rowsOf } from '../../../test/support/batches';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { createUser } from '../../../test/support/jobs';
import { until } from '../../../test/support/until';
import { BatchCloser } from './batch.closer';

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

describe('a batch', () => {
  it('is pending until its first rows are in, then processing, with the counts of its jobs', async () => {
    const { id } = await given(rowsOf(3), { rows_inserted: 0, inserted_at: null });
    expect((await read(id)).status).toBe('pending');
    await database.dataSource.getRepository(Batch).update(id, { rows_inserted: 3 });
    await scene.end('completed');
    await scene.end('failed');
    expect(await read(id)).toMatchObject({ status: 'processing', images_processed: 1, images_failed: 1 });
  });

  it.each([
    [['completed', 'completed'], 'completed', 2, 0],
    [['completed', 'failed'], 'completed_with_errors', 1, 1],
    [['completed', 'canceled'], 'completed_with_errors', 1, 1],
    [['failed', 'failed'], 'failed', 0, 2],
    [['failed', 'canceled'], 'failed', 0, 2],
  ] as const)('whose jobs ended %j is %s', async (ends, status, images_processed, images_failed) => {
    const { id } = await given(rowsOf(2));
    await scene.end(ends[0]);
    expect((await read(id)).finished_at).toBeNull();
    await scene.end(ends[1]);
    expect(await read(id)).toMatchObject({ status, images_processed, images_failed });
    expect((await read(id)).finished_at).toBeInstanceOf(Date);
  });

  const skipped = [{ row: 2, column: null, code: 'csv_row_without_url', value: null, detail: '' }];
  it.each([
    ['rows left out', skipped, 'completed_with_errors'],
    ['no rows left out', [], 'completed'],
  ])('with %s that ran through says so', async (_, errors, status) => {
    const { id } = await given(rowsOf(1), { errors });
    await scene.end('completed');
    expect((await read(id)).status).toBe(status);
  });

  it.each([
    ['rows left out', skipped, 'failed'],
    ['all of it done before', [], 'completed'],
  ])('with nothing to run and %s is closed by the sweeper', async (_, errors, status) => {
    const { id } = await given([], { errors });
    expect(await scene.sweep()).toBe(1);
    expect(await read(id)).toMatchObject({ status, images_processed: 0, images_failed: 0 });
  });

  it('counts a job once for each row that names its address', async () => {
    const [a, b] = ['https://a.example/1.jpg', 'https://a.example/2.jpg'];
    const { id, jobs } = await given([[a, b, a], [a]]);
    expect(jobs).toHaveLength(2);
    await scene.end('completed');
    expect(await read(id)).toMatchObject({ images_total: 4, images_processed: 3, images_failed: 0 });
    await scene.end('failed');
    expect(await read(id)).toMatchObject({
      status: 'completed_with_errors',
      images_processed: 3,
      images_failed: 1,
    });
  });

  it('is not closed while rows are still to be inserted', async () => {
    const { id } = await given(rowsOf(1), { inserted_at: null, images_total: 2 });
    await scene.end('completed');
    expect(await scene.sweep()).toBe(0);
    await database.dataSource.getRepository(Batch).update(id, { inserted_at: new Date(), images_total: 1 });
    expect(await scene.sweep()).toBe(1);
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
      const { id } = await given(rowsOf(8), { webhook_url: 'https://c.example/hook' });
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
      expect(await scene.sweep()).toBe(0);
    }
  });

  it('is asked whether it ended only after a job that leaves none of it to be claimed', async () => {
    const asked = jest.spyOn(BatchCloser.prototype, 'close');
    const { id } = await given(rowsOf(3));
    await scene.end('completed');
    expect(asked).not.toHaveBeenCalled();
    const [one, other] = [(await scene.claim())!, (await scene.claim())!];
    // The other one is in work: of two that end at the same time each has to ask.
    await scene.complete(one);
    expect(asked).toHaveBeenCalledTimes(1);
    await scene.complete(other);
    expect(asked).toHaveBeenCalledTimes(2);
    expect((await read(id)).status).toBe('completed');
    asked.mockRestore();
  });

  it('is not closed by whoever found it ended while its failures are being retried', async () => {
    const { id, jobs } = await given(rowsOf(2));
    await database.dataSource.query("UPDATE job SET status = 'completed', finished_at = now()");
    await database.dataSource.query("UPDATE job SET status = 'failed' WHERE id = $1", [jobs[1]]);
    const retry = database.dataSource.createQueryRunner();
    await retry.startTransaction();
    await retry.query("UPDATE job SET status = 'pending', finished_at = NULL WHERE id = $1", [jobs[1]]);
    await scene.closer.reopenIn(retry.manager, id, 'failed');
    const closing = scene.closer.close(id);
    await until('the end of the batch to wait for the retry', async () => {
      const waiting = await database.dataSource.query<unknown[]>(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      );
      return waiting.length > 0;
    });
    await retry.commitTransaction();
    await retry.release();
    await closing;
    expect((await read(id)).finished_at).toBeNull();
    expect(await deliveries()).toEqual([]);
    await scene.end('completed');
    expect(await read(id)).toMatchObject({ status: 'completed', images_processed: 2 });
  });

  it('is closed by the sweeper when its last worker died before it could', async () => {
    const { id } = await given(rowsOf(1));
    await database.dataSource.query("UPDATE job SET status = 'completed', finished_at = now()");
    expect((await read(id)).finished_at).toBeNull();
    expect(await scene.sweep()).toBe(1);
    expect(await read(id)).toMatchObject({ status: 'completed', images_processed: 1 });
    expect(await scene.sweep()).toBe(0);
  });
});
