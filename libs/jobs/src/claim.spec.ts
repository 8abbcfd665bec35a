import { CLAIM } from './claim.sql';
import { createUser, jobScene } from '../../../test/support/jobs';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';

let database: TestDatabase;
let scene: ReturnType<typeof jobScene>;
let owner: string;

beforeAll(async () => {
  database = await createTestDatabase();
  scene = jobScene(database.dataSource);
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.dataSource.query('TRUNCATE job CASCADE');
  owner = await createUser(database.dataSource);
});

describe('claiming', () => {
  it('moves a due job to processing under a new epoch and a lease', async () => {
    const job = await scene.insert({ owner_id: owner });
    const claimed = await scene.claim();
    expect(claimed).toMatchObject({ id: job.id, status: 'processing', epoch: 1, worker_id: scene.bootId });
    expect(claimed!.lease_until!.getTime()).toBeGreaterThan(Date.now() + 20_000);
    expect(await scene.claim()).toBeNull();
    expect(await scene.trail(job.id)).toEqual(['pending 0 created', 'processing 1 claimed']);
  });

  it('leaves operations alone that the worker does not have', async () => {
    await scene.insert({ owner_id: owner });
    expect(await scene.claim(['image.resize'])).toBeNull();
    expect(await scene.claim()).not.toBeNull();
  });

  it('leaves delayed jobs and steps with an unfinished dependency alone', async () => {
    await scene.insert({ owner_id: owner, delay_seconds: 60 });
    await scene.insert({ owner_id: owner, run_at: new Date(Date.now() + 60_000) });
    expect(await scene.claim()).toBeNull();
    const first = await scene.insert({ owner_id: owner });
    const second = await scene.insert({ owner_id: owner, depends_on: first.id });
    expect(second.due).toBe(false);
    expect((await scene.claim())!.id).toBe(first.id);
    expect(await scene.claim()).toBeNull();
  });

  it('takes the higher priority first, then the older', async () => {
    const old = await scene.insert({ owner_id: owner });
    const young = await scene.insert({ owner_id: owner });
    const urgent = await scene.insert({ owner_id: owner, priority: 5 });
    const order = [await scene.claim(), await scene.claim(), await scene.claim()].map((job) => job!.id);
    expect(order).toEqual([urgent.id, old.id, young.id]);
  });

  it('gives one job to one of many concurrent claims', async () => {
    await scene.insertMany(owner, 20);
    const claims = await Promise.all(Array.from({ length: 40 }, () => scene.claim()));
    const ids = claims.filter((job) => job !== null).map((job) => job.id);
    expect(new Set(ids).size).toBe(ids.length);
    while (await scene.claim());
    const [{ count }] = await database.dataSource.query<[{ count: number }]>(
      "SELECT count(*)::int FROM job WHERE status = 'processing' AND epoch = 1",
    );
    expect(count).toBe(20);
  });
});

describe('fair share', () => {
  it('serves the owner with the fewest running jobs, whoever queued first', async () => {
    const busy = owner;
    const quiet = await createUser(database.dataSource);
    await scene.insertMany(busy, 30);
    await scene.claim();
    await scene.claim();
    await scene.insert({ owner_id: quiet });
    expect((await scene.claim())!.owner_id).toBe(quiet);
    expect((await scene.claim())!.owner_id).toBe(busy);
  });

  it('takes turns between owners whose jobs end at once', async () => {
    const owners = [owner, await createUser(database.dataSource), await createUser(database.dataSource)];
    for (const one of owners) await scene.insertMany(one, 5);
    const served: string[] = [];
    for (let turn = 0; turn < 12; turn += 1) {
      const job = (await scene.claim())!;
      served.push(job.owner_id);
      await scene.complete(job);
    }
    for (let round = 0; round < 4; round += 1)
      expect(new Set(served.slice(round * 3, round * 3 + 3))).toEqual(new Set(owners));
  });

  it('does not let priority of one owner starve another', async () => {
    const other = await createUser(database.dataSource);
    await scene.insertMany(owner, 5, { priority: 100 });
    await scene.insert({ owner_id: other });
    const served = [(await scene.claim())!.owner_id, (await scene.claim())!.owner_id];
    expect(new Set(served)).toEqual(new Set([owner, other]));
  });

  it('passes by an owner whose only work nobody here can do', async () => {
    await scene.insert({ owner_id: owner, operation: 'image.probe' });
    const other = await createUser(database.dataSource);
    await scene.insert({ owner_id: other });
    expect((await scene.claim(['image.compress']))!.owner_id).toBe(other);
  });

  it('finds its way by the index, not by sorting every row', async () => {
    await database.dataSource.query(
      `INSERT INTO job (id, owner_id, topic, operation, inputs)
       SELECT gen_random_uuid(), $1, 'image', 'image.compress', '[]' FROM generate_series(1, 5000)`,
      [owner],
    );
    await database.dataSource.query('ANALYZE job');
    const plan = await database.dataSource.query<Record<string, string>[]>(
      `EXPLAIN (ANALYZE, BUFFERS OFF) ${CLAIM.text}`,
      ['image', ['image.compress', 'image.probe'], scene.bootId, 30],
    );
    const text = plan.map((row) => row['QUERY PLAN']).join('\n');
    expect(text).toContain('job_claim_idx');
    expect(text).not.toMatch(/Seq Scan on job/);
  });
});
