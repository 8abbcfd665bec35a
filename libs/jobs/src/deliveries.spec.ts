import { randomUUID } from 'node:crypto';
import { Batch, Job, type JobPurpose, WebhookDelivery, WebhookEndpoint } from '@mediakiln/entities';
import { Client } from 'pg';
import { batchScene } from '../../../test/support/batches';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { createUser } from '../../../test/support/jobs';
import { until } from '../../../test/support/until';
import { SETTLE } from './settle.sql';

let database: TestDatabase;
let scene: ReturnType<typeof batchScene>;
let owner: string;
beforeAll(async () => {
  database = await createTestDatabase();
  scene = batchScene(database.dataSource);
});
afterAll(() => database.close());
beforeEach(async () => {
  owner = await createUser(database.dataSource);
});

const URL = 'https://example.com/hook';

async function endpoint(values: Partial<WebhookEndpoint> = {}): Promise<string> {
  const id = randomUUID();
  await database.dataSource.manager.insert(WebhookEndpoint, {
    id,
    owner_id: owner,
    url: URL,
    events: ['*'],
    secret: 'x',
    ...values,
  });
  return id;
}

const deliveries = (): Promise<WebhookDelivery[]> =>
  database.dataSource.manager.find(WebhookDelivery, { where: { owner_id: owner }, order: { id: 'ASC' } });

const cancel = (job: Job): Promise<unknown> => scene.fail(job, 'canceled');

const ends = {
  completed: async () => scene.complete((await scene.claim())!),
  failed: async () => scene.fail((await scene.claim())!),
  canceled: cancel,
};

describe.each(Object.keys(ends) as (keyof typeof ends)[])('a job that is %s', (status) => {
  it('is told to the address of its request and to every endpoint that wants it', async () => {
    const all = await endpoint();
    const named = await endpoint({ events: [`job.${status}`] });
    await endpoint({ events: ['batch.completed'] });
    await endpoint({ disabled_at: new Date() });
    await endpoint({ url: null });
    const job = await scene.insert({ owner_id: owner, webhook_url: URL });
    await ends[status](job);
    const told = await deliveries();
    expect(told).toHaveLength(3);
    for (const one of told)
      expect(one).toMatchObject({
        event_type: `job.${status}`,
        job_id: job.id,
        status: 'pending',
        body: null,
      });
    expect(told.map(({ endpoint_id }) => endpoint_id).sort()).toEqual([all, named, null].sort());
    expect(told.find(({ endpoint_id }) => endpoint_id === null)!.url).toBe(URL);
  });
});

it.each<JobPurpose>(['probe', 'thumbnail', 'batch'])('tells nobody of a job for a %s', async (purpose) => {
  await endpoint();
  const job = await scene.insert({ owner_id: owner, purpose, webhook_url: URL });
  await cancel(job);
  expect(await deliveries()).toEqual([]);
});

it('tells nobody of a move that did not happen, and once of one that two want', async () => {
  await endpoint();
  const job = await scene.insert({ owner_id: owner });
  await Promise.all([cancel(job), cancel(job), cancel(job)]);
  expect(await deliveries()).toHaveLength(1);
});

it('tells nobody else', async () => {
  await endpoint();
  const other = await createUser(database.dataSource);
  await cancel(await scene.insert({ owner_id: other }));
  expect(await deliveries()).toEqual([]);
});

it.each([
  ['completed', ['completed', 'completed'], 'batch.completed'],
  ['failed', ['failed', 'failed'], 'batch.failed'],
  ['a mixture', ['completed', 'failed'], 'batch.completed_with_errors'],
] as const)('tells once of a batch: %s', async (_what, [first, second], event) => {
  await endpoint({ events: [event] });
  const rows = [['https://a.example/1.jpg', 'https://a.example/2.jpg']];
  const { id } = await scene.given(owner, rows, { webhook_url: URL });
  await scene.end(first);
  expect(await deliveries()).toEqual([]);
  await scene.end(second);
  await scene.sweep();
  const told = await deliveries();
  expect(told.map(({ event_type, batch_id, url }) => [event_type, batch_id, url]).sort()).toEqual(
    [
      [event, id, URL],
      [event, id, null],
    ].sort(),
  );
});

it('wakes gateways when there is something to send, and only then', async () => {
  const listener = new Client({ connectionString: database.url });
  await listener.connect();
  const heard: string[] = [];
  listener.on('notification', ({ channel, payload }) => heard.push(`${channel} ${payload}`));
  await listener.query('LISTEN delivery; LISTEN job');
  try {
    const quiet = await scene.insert({ owner_id: owner });
    await cancel(quiet);
    await endpoint();
    const told = await scene.insert({ owner_id: owner });
    await cancel(told);
    await until('the notices', () => heard.includes(`job ${told.id}`) && heard.includes('delivery '));
    expect(heard.indexOf('delivery ')).toBeGreaterThan(heard.indexOf(`job ${quiet.id}`));
    expect(heard.filter((one) => one === 'delivery ')).toHaveLength(1);
  } finally {
    await listener.end();
  }
});

describe('an endpoint that is being deleted while something ends', () => {
  /** Whoever needs the endpoint waits by then. */
  async function whileDeleting(how: 'commit' | 'rollback', end: () => Promise<unknown>): Promise<void> {
    const { dataSource } = database;
    await endpoint();
    const deletion = dataSource.createQueryRunner();
    await deletion.startTransaction();
    try {
      await deletion.query('DELETE FROM webhook_endpoint WHERE owner_id = $1', [owner]);
      const ended = end();
      await until('the end to wait for the deletion', async () => {
        const [row] = await dataSource.query<[{ count: number }]>(
          `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return row.count > 0;
      });
      await (how === 'commit' ? deletion.commitTransaction() : deletion.rollbackTransaction());
      await ended;
    } finally {
      await deletion.release();
    }
  }

  it.each(Object.keys(ends) as (keyof typeof ends)[])('does not undo that a job is %s', async (status) => {
    const job = await scene.insert({ owner_id: owner, webhook_url: URL });
    await whileDeleting('commit', () => ends[status](job));
    expect((await scene.read(job.id)).status).toBe(status);
    expect((await deliveries()).map(({ url }) => url)).toEqual([URL]);
  });

  it('does not undo the end of a batch', async () => {
    const { id } = await scene.given(owner, [['https://a.example/1.jpg']]);
    await whileDeleting('commit', () => scene.end('completed'));
    expect(await database.dataSource.manager.findOneBy(Batch, { id })).toMatchObject({ status: 'completed' });
    expect(await deliveries()).toEqual([]);
  });

  it('is told when it is not deleted after all', async () => {
    const job = await scene.insert({ owner_id: owner });
    await whileDeleting('rollback', () => cancel(job));
    expect(await deliveries()).toHaveLength(1);
  });
});

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: Plan[];
}

it('looks up endpoints by an index, however many others have', async () => {
  const { manager } = database.dataSource;
  await manager.query(
    `INSERT INTO "user" (id, email, password_hash, role)
     SELECT gen_random_uuid(), gen_random_uuid() || '@many.example', 'x', 'user' FROM generate_series(1, 2000)`,
  );
  await manager.query(
    `INSERT INTO webhook_endpoint (id, owner_id, url, events, secret)
     SELECT gen_random_uuid(), id, 'https://example.com', '{*}', 'x' FROM "user", generate_series(1, 5)`,
  );
  await manager.query('ANALYZE webhook_endpoint');
  const lonely = await createUser(database.dataSource);
  const job = await scene.insert({ owner_id: lonely });
  const values = [job.id, 'canceled', 'canceled_by_user', ['pending'], null, null, null, null, null, '[]'];
  const [{ 'QUERY PLAN': plans }] = await manager.query<[{ 'QUERY PLAN': [{ Plan: Plan }] }]>(
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${SETTLE.text}`,
    values,
  );
  const nodes: Plan[] = [];
  const walk = (plan: Plan): void => {
    nodes.push(plan);
    plan.Plans?.forEach(walk);
  };
  walk(plans[0].Plan);
  const lookups = nodes.filter(
    (node) => node['Relation Name'] === 'webhook_endpoint' || /endpoint/.test(node['Index Name'] ?? ''),
  );
  expect(lookups.length).toBeGreaterThan(0);
  expect(lookups.filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([]);
  for (const node of lookups) expect(node['Shared Hit Blocks'] + node['Shared Read Blocks']).toBeLessThan(10);
});
