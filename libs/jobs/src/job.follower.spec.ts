import { AppError } from '@mediakiln/contracts';
import { dataSourceOptions } from '@mediakiln/entities';
import { lastValueFrom, toArray } from 'rxjs';
import { DataSource } from 'typeorm';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { createUser, jobScene, testConfig } from '../../../test/support/jobs';
import { TcpProxy } from '../../../test/support/tcp-proxy';
import { until } from '../../../test/support/until';
import { JobFollower } from './job.follower';
import { JobNotices } from './job.notices';
import { JobPurge } from './job.purge';

let database: TestDatabase;
let scene: ReturnType<typeof jobScene>;
let owner: string;
let proxy: TcpProxy;
/** The follower's own way to the database, which a test can shut. */
let watching: DataSource;
let notices: JobNotices;
let follower: JobFollower;

beforeAll(async () => {
  database = await createTestDatabase();
  scene = jobScene(database.dataSource);
  owner = await createUser(database.dataSource);
});
afterAll(() => database.close());

beforeEach(async () => {
  const url = new URL(database.url);
  proxy = await TcpProxy.to(url.hostname, Number(url.port || 5432));
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  watching = new DataSource(
    dataSourceOptions({ databaseUrl: url.href, databasePool: 2, databaseConnectMs: 1_500 }),
  );
  await watching.initialize();
  notices = new JobNotices(testConfig({ databaseUrl: url.href }), scene.log);
  follower = new JobFollower(watching, notices, scene.log);
  follower.onApplicationBootstrap();
  await notices.onApplicationBootstrap();
});
afterEach(async () => {
  follower.beforeApplicationShutdown();
  await notices.onApplicationShutdown();
  await watching.destroy();
  await proxy.close();
});

const fail = (id: string) =>
  scene.store.settle({
    id,
    owner_id: owner,
    to: 'canceled',
    reason: 'canceled_by_user',
    error: new AppError('conflict'),
  });

it('tells the present state at once, every change after it, and ends with the job', async () => {
  const job = await scene.insert({ owner_id: owner });
  const statuses: string[] = [];
  const told = lastValueFrom(follower.watch(job.id).pipe(toArray()));
  follower.watch(job.id).subscribe((now) => statuses.push(now.status));
  await until('the first state', () => Promise.resolve(statuses.includes('pending')));
  await scene.complete((await scene.claim())!);
  const all = (await told).map((now) => now.status);
  expect(all[0]).toBe('pending');
  expect(all.at(-1)).toBe('completed');
});

it('hears of a change well before the next poll', async () => {
  const job = await scene.insert({ owner_id: owner });
  const gaps: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const one = round === 0 ? job : await scene.insert({ owner_id: owner });
    const waiting = follower.waitFor(one.id, 20_000);
    const settledAt = performance.now();
    await fail(one.id);
    await waiting;
    gaps.push(performance.now() - settledAt);
  }
  // A follower that only polled would need half a second on average.
  expect(Math.min(...gaps)).toBeLessThan(250);
});

it('tells what happened while its connections were broken', async () => {
  const job = await scene.insert({ owner_id: owner });
  const waiting = follower.waitFor(job.id, 30_000);
  proxy.refuse();
  await fail(job.id);
  proxy.open();
  await waiting;
  expect((await scene.read(job.id)).status).toBe('canceled');
  expect((await lastValueFrom(follower.watch(job.id))).status).toBe('canceled');
});

it('gives up waiting when the time is over or the client has left', async () => {
  const job = await scene.insert({ owner_id: owner });
  await follower.waitFor(job.id, 50);
  const left = new AbortController();
  const waiting = follower.waitFor(job.id, 60_000, left.signal);
  left.abort();
  await waiting;
  expect((await scene.read(job.id)).status).toBe('pending');
});

it('ends with a job that was removed with its account', async () => {
  const leaver = await createUser(database.dataSource);
  const job = await scene.insert({ owner_id: leaver });
  const told = lastValueFrom(follower.watch(job.id).pipe(toArray()));
  expect(await new JobPurge().remove(database.dataSource.manager, leaver, 10)).toBe(1);
  await told;
  await follower.waitFor(job.id, 20_000);
});

it('ends all that still watch when the process shuts down', async () => {
  const job = await scene.insert({ owner_id: owner });
  const waiting = follower.waitFor(job.id, 60_000);
  follower.beforeApplicationShutdown();
  await waiting;
  await expect(lastValueFrom(follower.watch(job.id), { defaultValue: 'ended' })).resolves.toBe('ended');
});
