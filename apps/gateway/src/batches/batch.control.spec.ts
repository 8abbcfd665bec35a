import { Batch } from '@mediakiln/entities';
import { Client, formWith } from '../../../../test/support/client';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { wrongDeliveries } from '../../../../test/support/oracle.deliveries';
import { type PictureHost, listOf, startPictureHost } from '../../../../test/support/picture-host';
import { makeGate } from '../../../../test/support/topic-app';
import { until } from '../../../../test/support/until';
import { WITH_IMAGE_PROCESSOR } from '../../../../test/support/with-image-processor';
import { BatchChunks } from './batch.chunks';
import { BatchInsertion } from './batch.insertion';

const RECEIVER = 'http://127.0.0.1:9/hook';

let shop: PictureHost;
/** One in which work is done, and one in which it waits. */
let busy: TestGateway;
let idle: TestGateway;

beforeAll(async () => {
  shop = await startPictureHost();
  const config = { fetchAllowCidrs: ['127.0.0.1'], fetchAllowPorts: [shop.host.port] };
  [busy, idle] = await Promise.all([
    startGateway({ ...WITH_IMAGE_PROCESSOR, config }),
    startGateway({ config }),
  ]);
});
afterAll(async () => {
  await Promise.all([busy.close(), idle.close()]);
  await shop.host.close();
});
beforeEach(() => shop.missing.clear());
// The oracle of the chaos runs has its own words for who is told of a batch that was opened again.
afterEach(async () => {
  for (const { database } of [busy, idle]) expect(await wrongDeliveries(database)).toEqual([]);
});

async function create(client: Client, rows: number[][]): Promise<string> {
  const body = formWith(listOf(shop, rows), 'list.csv');
  body.append('webhook_url', RECEIVER);
  return (await client.expect(202, 'POST', '/v1/batches', { body })).body.id as string;
}
const read = async (client: Client, id: string) =>
  (await client.expect(200, 'GET', `/v1/batches/${id}`)).body;
const ended = (client: Client, id: string) =>
  until('the batch to end', async () => {
    const now = await read(client, id);
    return now.finished_at !== null && now;
  });
const inserted = (gateway: TestGateway, id: string) =>
  until('the rows', async () => (await gateway.database.manager.findOneByOrFail(Batch, { id })).inserted_at);
const deliveries = (gateway: TestGateway, id: string): Promise<{ event_type: string }[]> =>
  gateway.database.query('SELECT event_type FROM webhook_delivery WHERE batch_id = $1 ORDER BY id', [id]);

describe('retry-failed', () => {
  it('runs what failed again, and tells the receiver a second time', async () => {
    const client = await Client.register(busy.url);
    shop.missing.add(2).add(3);
    const id = await create(client, [[1, 2], [3], [2]]);
    expect(await ended(client, id)).toMatchObject({
      status: 'completed_with_errors',
      images_processed: 1,
      images_failed: 3,
    });
    shop.missing.clear();
    const { body: opened, headers } = await client.expect(202, 'POST', `/v1/batches/${id}/retry-failed`);
    expect([headers.get('location'), headers.get('retry-after')]).toEqual([`/v1/batches/${id}`, '2']);
    expect(opened).toMatchObject({ id, finished_at: null });
    expect(await ended(client, id)).toMatchObject({
      status: 'completed',
      images_processed: 4,
      images_failed: 0,
    });
    expect([1, 2, 3].map((n) => shop.hitsOf(n))).toEqual([1, 2, 2]);
    expect((await deliveries(busy, id)).map(({ event_type }) => event_type)).toEqual([
      'batch.completed_with_errors',
      'batch.completed',
    ]);
    const again = await client.request('POST', `/v1/batches/${id}/retry-failed`);
    expect([again.status, again.body.code]).toEqual([409, 'batch_not_retryable']);
  });

  it('of one job by hand opens its batch, too', async () => {
    const client = await Client.register(busy.url);
    shop.missing.add(12);
    const id = await create(client, [[11], [12]]);
    await ended(client, id);
    const { data } = (await client.expect(200, 'GET', `/v1/batches/${id}/images?status=failed`)).body;
    shop.missing.clear();
    await client.expect(202, 'POST', `/v1/jobs/${data[0].job_id}/retry`);
    expect(await ended(client, id)).toMatchObject({ status: 'completed', images_processed: 2 });
  });
});

describe('cancel', () => {
  it('ends everything that has not ended, once', async () => {
    const client = await Client.register(idle.url);
    const id = await create(client, [[21, 22], [23], [21]]);
    await inserted(idle, id);
    const { body } = await client.expect(200, 'POST', `/v1/batches/${id}/cancel`);
    expect(body).toMatchObject({ status: 'canceled', images_processed: 0, images_failed: 4 });
    expect((await client.expect(200, 'POST', `/v1/batches/${id}/cancel`)).body).toEqual(body);
    expect((await deliveries(idle, id)).map(({ event_type }) => event_type)).toEqual(['batch.canceled']);
    const jobs = (await client.expect(200, 'GET', `/v1/batches/${id}/images`)).body.data;
    expect(jobs.map(({ status }: { status: string }) => status)).toEqual(Array(4).fill('canceled'));
    const { events } = await client.job(jobs[0].job_id as string);
    expect(events.map(({ reason }) => reason)).toEqual(['created', 'canceled_by_user']);
  });

  it('is refused once the batch has ended', async () => {
    const client = await Client.register(busy.url);
    const id = await create(client, [[31]]);
    await ended(client, id);
    const answer = await client.request('POST', `/v1/batches/${id}/cancel`);
    expect([answer.status, answer.body.code]).toEqual([409, 'batch_already_settled']);
  });

  it('stops an insertion, which retry-failed goes on with', async () => {
    const client = await Client.register(idle.url);
    const chunks = idle.app.get(BatchChunks);
    const insert = chunks.insert.bind(chunks);
    const canceled = makeGate();
    const inserting = jest.spyOn(chunks, 'insert').mockImplementation(async (...chunk) => {
      if (chunk[1] > 0) await canceled.passed;
      return insert(...chunk);
    });
    const id = await create(
      client,
      Array.from({ length: 4_000 }, (_, n) => [n]),
    );
    await until('the first rows', async () => (await read(client, id)).status === 'processing');
    const { body } = await client.expect(200, 'POST', `/v1/batches/${id}/cancel`);
    canceled.open();
    await idle.app.get(BatchInsertion).idle();
    inserting.mockRestore();
    expect(body).toMatchObject({ status: 'canceled', images_failed: 4_000 });
    const count = async () =>
      (
        await idle.database.query<{ jobs: number; left: number }[]>(
          `SELECT count(*)::int AS jobs, count(*) FILTER (WHERE status = 'pending')::int AS left FROM job WHERE batch_id = $1`,
          [id],
        )
      )[0]!;
    const stopped = await count();
    expect(stopped.jobs).toBeLessThan(4_000);
    expect(stopped.left).toBe(0);
    await client.expect(202, 'POST', `/v1/batches/${id}/retry-failed`);
    await inserted(idle, id);
    expect(await count()).toEqual({ jobs: 4_000, left: 4_000 });
    await client.expect(200, 'POST', `/v1/batches/${id}/cancel`);
  });

  it('of all its jobs, one by one, closes the batch', async () => {
    const client = await Client.register(idle.url);
    const id = await create(client, [[41], [42]]);
    await inserted(idle, id);
    const { data } = (await client.expect(200, 'GET', `/v1/batches/${id}/images`)).body;
    await client.expect(200, 'POST', `/v1/jobs/${data[0].job_id}/cancel`);
    expect(await read(client, id)).toMatchObject({ status: 'processing', images_failed: 1 });
    await client.expect(200, 'POST', `/v1/jobs/${data[1].job_id}/cancel`);
    expect(await read(client, id)).toMatchObject({ status: 'failed', images_failed: 2 });
  });
});
