import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '@mediakiln/contracts';
import { Worker } from '@mediakiln/entities';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { FeedRig } from '../../../test/support/feed-rig';
import { createUser, jobScene } from '../../../test/support/jobs';
import { until } from '../../../test/support/until';

let database: TestDatabase;
let scene: ReturnType<typeof jobScene>;
let owner: string;
let rig: FeedRig;

beforeAll(async () => {
  database = await createTestDatabase();
  scene = jobScene(database.dataSource);
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.dataSource.query('TRUNCATE job CASCADE');
  owner = await createUser(database.dataSource);
  rig = await FeedRig.open(database.url, scene.log);
});
afterEach(() => rig.close());

const watch = (ownerId = owner, afterId?: string) => rig.watch(ownerId, afterId);
const cancel = (id: string) =>
  scene.store.settle({
    id,
    owner_id: owner,
    to: 'canceled',
    reason: 'canceled_by_user',
    error: new AppError('conflict'),
  });
const newestId = async (): Promise<string> => {
  const [{ id }] = await database.dataSource.query<[{ id: string }]>(
    'SELECT max(id)::text AS id FROM job_event',
  );
  return id;
};
/** As if what has happened so far had happened long ago, one thing an hour. */
const age = () =>
  database.dataSource.query(
    `UPDATE job_event SET at = now() - make_interval(hours => 1 + ((SELECT max(id) FROM job_event) - id)::int)`,
  );

it('tells every move of the jobs of one owner, in order and once, and nothing of others', async () => {
  const stranger = await createUser(database.dataSource);
  const mine = watch();
  const theirs = watch(stranger);
  const job = await scene.insert({ owner_id: owner });
  const thumbnail = await scene.insert({ owner_id: owner, purpose: 'thumbnail' });
  const probe = await scene.insert({ owner_id: owner, purpose: 'probe', operation: 'image.probe' });
  const other = await scene.insert({ owner_id: stranger });
  // What is created has no notice, and comes with the next reading of the trail: only the moves of one job are ordered.
  await mine.until(2);
  await cancel(thumbnail.id);
  await cancel(job.id);
  await cancel(probe.id);
  await mine.until(4);
  await theirs.until(1);
  expect(
    mine
      .moves()
      .map(({ job_id, operation, purpose, status, reason }) => [job_id, operation, purpose, status, reason]),
  ).toEqual([
    [job.id, 'image.compress', 'request', 'pending', 'created'],
    [probe.id, 'image.probe', 'probe', 'pending', 'created'],
    [job.id, 'image.compress', 'request', 'canceled', 'canceled_by_user'],
    [probe.id, 'image.probe', 'probe', 'canceled', 'canceled_by_user'],
  ]);
  expect(theirs.told()).toEqual([`${other.id} created`]);
  const ids = mine.news.map(({ id }) => Number(id));
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
});

it('begins with what happens from now on', async () => {
  const job = await scene.insert({ owner_id: owner });
  await age();
  const mine = watch();
  await cancel(job.id);
  await mine.until(1);
  expect(mine.told()).toEqual([`${job.id} canceled_by_user`]);
});

it('counts as happening from now on what commits while it begins', async () => {
  for (let round = 0; round < 10; round += 1) {
    const mine = watch();
    const [job] = await scene.insertMany(owner, 1);
    await mine.until(1);
    expect(mine.told().at(-1)).toBe(`${job!.id} created`);
    mine.subscription.unsubscribe();
  }
});

it('resumes after the entry that was told last', async () => {
  const [first, second] = await scene.insertMany(owner, 2);
  await age();
  const last = await newestId();
  await cancel(second!.id);
  await cancel(first!.id);
  await age();
  const mine = watch(owner, last);
  await mine.until(2);
  expect(mine.told()).toEqual([`${second!.id} canceled_by_user`, `${first!.id} canceled_by_user`]);
  const third = await scene.insert({ owner_id: owner });
  await mine.until(3);
  expect(mine.told().slice(2)).toEqual([`${third.id} created`]);
  // An id from nowhere is no way around anything.
  const ahead = watch(owner, '999999999999999');
  await cancel(third.id);
  await ahead.until(1);
});

it('tells an entry whose transaction committed after a younger one was told', async () => {
  const runner = database.dataSource.createQueryRunner();
  await runner.startTransaction();
  const late = (
    await scene.dispatcher.insert(runner.manager, [
      { owner_id: owner, operation: 'image.compress', inputs: [] },
    ])
  ).jobs[0]!;
  const mine = watch();
  await scene.insert({ owner_id: owner });
  await mine.until(1);
  const last = mine.news.at(-1)!.id;
  mine.subscription.unsubscribe();
  await runner.commitTransaction();
  await runner.release();
  const [{ id }] = await database.dataSource.query<[{ id: string }]>(
    'SELECT id FROM job_event WHERE job_id = $1',
    [late.id],
  );
  expect(Number(id)).toBeLessThan(Number(last));
  const resumed = watch(owner, last);
  await resumed.until(1);
  expect(resumed.told()).toEqual([`${late.id} created`]);
});

it('tells each entry once, however often it is read', async () => {
  const mine = watch();
  const job = await scene.insert({ owner_id: owner });
  await mine.until(1);
  for (let round = 0; round < 5; round += 1)
    await database.dataSource.query("SELECT pg_notify('job', $1)", [job.id]);
  await cancel(job.id);
  await mine.until(2);
  // Some more readings of the trail.
  await sleep(3_000);
  expect(mine.told()).toEqual([`${job.id} created`, `${job.id} canceled_by_user`]);
}, 30_000);

it('tells what happened while its connections were broken, once', async () => {
  const mine = watch();
  const job = await scene.insert({ owner_id: owner });
  await mine.until(1);
  rig.proxy.refuse();
  const missed = await scene.insert({ owner_id: owner });
  await cancel(job.id);
  await sleep(500);
  rig.proxy.open();
  await mine.until(3);
  expect(mine.told()).toEqual([`${job.id} created`, `${missed.id} created`, `${job.id} canceled_by_user`]);
});

it('tells what no notice came for', async () => {
  const mine = watch();
  const job = await scene.insert({ owner_id: owner });
  await mine.until(1);
  await database.dataSource.query(
    "INSERT INTO job_event (job_id, status, attempt, reason) VALUES ($1, 'processing', 1, 'claimed')",
    [job.id],
  );
  await mine.until(2);
  expect(mine.told()).toEqual([`${job.id} created`, `${job.id} claimed`]);
});

it('says so when too much has happened to tell it all, and goes on from there', async () => {
  const job = await scene.insert({ owner_id: owner });
  await age();
  const last = await newestId();
  await database.dataSource.query(
    `INSERT INTO job_event (job_id, status, attempt, reason, at)
     SELECT $1, 'pending', 0, 'deferred', now() - interval '1 hour' FROM generate_series(1, 50001)`,
    [(await scene.insert({ owner_id: await createUser(database.dataSource) })).id],
  );
  const mine = watch(owner, last);
  await until('the gap', () => mine.news.some(({ kind }) => kind === 'gap'));
  expect(mine.news).toEqual([{ kind: 'gap', id: await newestId() }]);
  await cancel(job.id);
  await until('the move after it', () => mine.told().includes(`${job.id} canceled_by_user`));
  // Each move at least once: on a slow machine the creation is young enough to be told, too.
  const own = [`${job.id} created`, `${job.id} canceled_by_user`];
  expect(own.slice(-mine.told().length)).toEqual(mine.told());
});

it('tells how far running jobs are when that changed, at most once a second', async () => {
  const mine = watch();
  const job = await scene.insert({ owner_id: owner });
  await scene.claim();
  const workers = database.dataSource.getRepository(Worker);
  const reached = (percent: number) => ({ [job.id]: { percent, stage: 'encoding', eta_seconds: 9 } });
  await workers.insert({
    boot_id: scene.bootId,
    hostname: 'test',
    pid: 1,
    operations: [],
    current_jobs: reached(1),
  });
  const startedMs = performance.now();
  const progress = () =>
    mine.news.flatMap((one) => (one.kind === 'progress' ? [one.job.progress.percent] : []));
  let percent = 1;
  while (progress().length < 3) {
    percent += 1;
    await workers.update(scene.bootId, { current_jobs: reached(percent) });
    await sleep(20);
  }
  const elapsedSeconds = (performance.now() - startedMs) / 1_000;
  expect(progress().length).toBeLessThanOrEqual(Math.ceil(elapsedSeconds) + 1);
  expect(progress()).toEqual([...progress()].sort((a, b) => a - b));
  await until('the last of it', () => progress().at(-1) === percent);
  const quiet = progress().length;
  await sleep(1_500);
  expect(progress()).toHaveLength(quiet);
}, 30_000);

it('asks nothing of the database while nobody watches', async () => {
  const queries = jest.spyOn(rig.database, 'query');
  await cancel((await scene.insert({ owner_id: owner })).id);
  await sleep(1_500);
  expect(queries).not.toHaveBeenCalled();
});

it('ends all watchers when the process shuts down', async () => {
  const mine = watch();
  rig.feed.onApplicationShutdown();
  expect(mine.subscription.closed).toBe(true);
  expect(watch().subscription.closed).toBe(true);
});
