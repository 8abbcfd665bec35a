import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { createUser, jobScene } from '../../../test/support/jobs';
import { JobReader } from './job.reader';
import { MAX_QUEUE_POSITION, QUEUE_POSITION } from './queue-position.sql';

let database: TestDatabase;
let scene: ReturnType<typeof jobScene>;
let reader: JobReader;
let owner: string;

beforeAll(async () => {
  database = await createTestDatabase();
  scene = jobScene(database.dataSource);
  reader = new JobReader(database.dataSource);
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.dataSource.query('TRUNCATE job CASCADE');
  owner = await createUser(database.dataSource);
});

const positionOf = async (id: string) => reader.queuePosition(await scene.read(id));

it('counts the own jobs that are served earlier: priority, then age', async () => {
  const [first, second] = await scene.insertMany(owner, 2);
  const urgent = await scene.insert({ owner_id: owner, priority: 1 });
  const patient = await scene.insert({ owner_id: owner, priority: -1 });
  const order = [urgent, first!, second!, patient];
  expect(await Promise.all(order.map(({ id }) => positionOf(id)))).toEqual([1, 2, 3, 4]);
});

it('counts of every other owner no more than get their turn before it, whoever queued first', async () => {
  const others = [await createUser(database.dataSource), await createUser(database.dataSource)];
  await scene.insertMany(others[0]!, 20);
  await scene.insertMany(others[1]!, 1);
  const mine = await scene.insertMany(owner, 3);
  expect(await Promise.all(mine.map(({ id }) => positionOf(id)))).toEqual([1 + 1 + 1, 2 + 2 + 1, 3 + 3 + 1]);
});

it('says what the claim then does', async () => {
  const other = await createUser(database.dataSource);
  await scene.insertMany(other, 6);
  const mine = await scene.insertMany(owner, 3);
  const expected = await Promise.all(mine.map(({ id }) => positionOf(id)));
  const served: string[] = [];
  for (let job = await scene.claim(); job; job = await scene.claim()) served.push(job.id);
  for (const [turn, { id }] of mine.entries())
    // The first turn may be anybody's.
    expect(Math.abs(served.indexOf(id) + 1 - expected[turn]!)).toBeLessThanOrEqual(1);
});

it('is nobody’s who does not wait: delayed, running, ended, or waiting for another step', async () => {
  const delayed = await scene.insert({ owner_id: owner, delay_seconds: 60 });
  const job = await scene.insert({ owner_id: owner });
  const step = await scene.insert({ owner_id: owner, depends_on: job.id });
  const claimed = (await scene.claim())!;
  expect(await positionOf(claimed.id)).toBeNull();
  await scene.complete(claimed);
  expect(await positionOf(claimed.id)).toBeNull();
  expect(await positionOf(delayed.id)).toBeNull();
  expect(await positionOf(step.id)).toBe(1);
  // Claimed between the caller's look at the row and ours.
  expect(await reader.queuePosition({ ...(await scene.read(delayed.id)), due: true })).toBeNull();
});

describe('before fifty thousand rows', () => {
  const fill = (owners: readonly string[], count: number, status = 'pending') =>
    database.dataSource.query(
      `INSERT INTO job (id, owner_id, topic, operation, inputs, run_at, status)
       SELECT gen_random_uuid(), ($1::uuid[])[1 + n % cardinality($1::uuid[])], 'image', 'image.compress', '[]',
         now() - make_interval(secs => n), $3
       FROM generate_series(1, $2) n`,
      [owners, count, status],
    );

  it('stops counting, and reads by the index of the claim alone', async () => {
    const owners = await Promise.all(Array.from({ length: 20 }, () => createUser(database.dataSource)));
    await fill(owners, 20_000, 'completed');
    await fill([owner], 25_000);
    await fill(owners, 25_000);
    const mine = await scene.insert({ owner_id: owner });
    const small = await createUser(database.dataSource);
    const soon = await scene.insert({ owner_id: small });
    await database.dataSource.query('ANALYZE job');
    // One turn for each owner that waits.
    expect(await positionOf(soon.id)).toBe(22);
    expect(await positionOf(mine.id)).toBe(MAX_QUEUE_POSITION);

    const plan = await database.dataSource.query<Record<string, string>[]>(
      `EXPLAIN (ANALYZE, BUFFERS OFF) ${QUEUE_POSITION.text}`,
      [mine.id, MAX_QUEUE_POSITION],
    );
    const text = plan.map((row) => row['QUERY PLAN']).join('\n');
    expect(new Set(text.match(/job_\w+_idx/g))).toEqual(new Set(['job_claim_idx']));
    expect(text).not.toMatch(/Seq Scan on job|Sort Key/);
    const rows = [...text.matchAll(/job_claim_idx.*?actual time=\S+ rows=([\d.]+) loops=(\d+)/g)];
    const read = rows.reduce((sum, [, each, loops]) => sum + Number(each) * Number(loops), 0);
    expect(read).toBeLessThan(3 * MAX_QUEUE_POSITION);
  }, 120_000);
});
