import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '@mediakiln/contracts';
import { Job, isConnectionError } from '@mediakiln/entities';
import { Log, Meter } from '@mediakiln/observability';
import { createUser, insertJobs, jobParts, testConfig } from '../../../test/support/jobs';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { startWorker } from '../../../test/support/worker';
import { DueJobsDuty } from './duties/due-jobs.duty';
import { GoneWorkersDuty } from './duties/gone-workers.duty';
import { LapsedLeasesDuty } from './duties/lapsed-leases.duty';
import { RingDueDuty } from './duties/ring-due.duty';
import { JobSweeper } from './job.sweeper';

const config = testConfig({ leaseSeconds: 30 });
const BROKER_AWAY = { options: { cause: { message: 'the broker is away' } } };
const LONG_ENOUGH = { databaseSeenMs: 31_000 };
let database: TestDatabase;
let parts: ReturnType<typeof jobParts>;
let owner: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.dataSource.query('TRUNCATE job CASCADE');
  parts = jobParts(database.dataSource, config);
  owner = await createUser(database.dataSource);
});

const read = (id: string) => database.dataSource.getRepository(Job).findOneByOrFail({ id });
const insert = async (job: object = {}) =>
  (await insertJobs(database.dataSource, parts.dispatcher, [{ owner_id: owner, ...job }]))[0]!;
const claim = async () => (await parts.store.claim('image', ['image.compress'], randomUUID()))!;

describe('lapsed leases', () => {
  const sweep = (context = LONG_ENOUGH) =>
    database.dataSource.transaction((tx) => new LapsedLeasesDuty(parts.store, config).sweep(tx, context));

  it('go back to the queue, and leases that run are left alone', async () => {
    await insert();
    await insert();
    const dead = await claim();
    const alive = await claim();
    await database.dataSource.query(
      "UPDATE job SET lease_until = now() - interval '1 second' WHERE id = $1",
      [dead.id],
    );
    expect(await sweep()).toBe(1);
    expect(await read(dead.id)).toMatchObject({ status: 'pending', due: true, deaths: 1 });
    expect((await read(alive.id)).status).toBe('processing');
  });

  it('are not taken back before the sweeper has seen the database for one whole lease', async () => {
    await insert();
    const healthy = await claim();
    await database.dataSource.query("UPDATE job SET lease_until = now() - interval '1 hour'");
    expect(await sweep({ databaseSeenMs: 29_000 })).toBe(0);
    expect((await read(healthy.id)).status).toBe('processing');
  });
});

describe('due jobs', () => {
  const sweep = () => database.dataSource.transaction((tx) => new DueJobsDuty(parts.store, config).sweep(tx));

  it('become claimable when their time has come, not before', async () => {
    const soon = await insert({ delay_seconds: 60 });
    expect(await sweep()).toBe(0);
    await database.dataSource.query("UPDATE job SET run_at = now() - interval '1 second' WHERE id = $1", [
      soon.id,
    ]);
    expect(await sweep()).toBe(1);
    expect((await claim()).id).toBe(soon.id);
  });

  it('heals a step whose dependency ended while it was being inserted', async () => {
    const done = await insert();
    const broken = await insert();
    const afterDone = await insert({ depends_on: done.id });
    const afterBroken = await insert({ depends_on: broken.id });
    await database.dataSource.query("UPDATE job SET status = 'completed' WHERE id = $1", [done.id]);
    await database.dataSource.query("UPDATE job SET status = 'failed' WHERE id = $1", [broken.id]);
    expect(await sweep()).toBe(2);
    expect((await read(afterDone.id)).due).toBe(true);
    expect(await read(afterBroken.id)).toMatchObject({ status: 'canceled', error_code: 'dependency_failed' });
  });
});

describe('ringing', () => {
  const sweep = () =>
    database.dataSource.transaction((tx) => new RingDueDuty(parts.doorbell, config).sweep(tx));

  it('tops a silent topic up, at most a hundred rings for any number of rows', async () => {
    await insertJobs(
      database.dataSource,
      parts.dispatcher,
      Array.from({ length: 130 }, () => ({ owner_id: owner })),
    );
    expect(await sweep()).toBe(100);
    expect(parts.doorbell.rung).toEqual(new Map([['image', 100]]));
  });

  it('stays quiet when messages wait already or nothing is due', async () => {
    await insert({ delay_seconds: 60 });
    expect(await sweep()).toBe(0);
    await insert();
    parts.doorbell.queued = 1;
    expect(await sweep()).toBe(0);
  });

  it('rings for the other topics when one queue does not answer', async () => {
    parts.doorbell.silent = 'image';
    await insert();
    await insert({ operation: 'video.trim' });
    await expect(sweep()).rejects.toMatchObject(BROKER_AWAY);
    expect(parts.doorbell.rung).toEqual(new Map([['video', 1]]));
  });

  it('survives a broker that is away: the request does too', async () => {
    parts.doorbell.isBroken = true;
    await insert();
    await expect(parts.dispatcher.ring([['image', 1]])).resolves.toBeUndefined();
    const error: unknown = await sweep().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(BROKER_AWAY);
    // Else no lease would lapse while the broker is away.
    expect(isConnectionError(error)).toBe(false);
    parts.doorbell.isBroken = false;
    expect(await sweep()).toBe(1);
  });
});

it('forgets workers an hour after their last heartbeat', async () => {
  const [old, young] = [randomUUID(), randomUUID()];
  for (const [id, age] of [
    [old, '2 hours'],
    [young, '1 minute'],
  ])
    await database.dataSource.query(
      "INSERT INTO worker (boot_id, hostname, pid, operations, heartbeat_at) VALUES ($1, 'h', 1, '{}', now() - $2::interval)",
      [id, age],
    );
  await database.dataSource.transaction((tx) => new GoneWorkersDuty().sweep(tx));
  expect(await database.dataSource.query('SELECT boot_id FROM worker')).toEqual([{ boot_id: young }]);
});

it('refuses an unknown operation before anything is written', async () => {
  await expect(insert({ operation: 'image.teleport' })).rejects.toThrow(AppError);
  expect(await database.dataSource.getRepository(Job).count()).toBe(0);
});

describe('the sweeper', () => {
  it('runs each duty under a lock of its own, so that replicas never do the same work twice', async () => {
    const worker = await startWorker(database.url, { sweepSeconds: 60 });
    const other = database.dataSource.createQueryRunner();
    try {
      const sweeper = worker.app.get(JobSweeper);
      const repairs = async () =>
        (await worker.app.get(Meter).sweeperRepairs.get()).values.map(({ labels, value }) => [
          labels.duty,
          value,
        ]);
      const late = await insert({ delay_seconds: 60, operation: 'video.trim' });
      await database.dataSource.query("UPDATE job SET run_at = now() - interval '1 second' WHERE id = $1", [
        late.id,
      ]);
      await other.startTransaction();
      await other.query("SELECT pg_advisory_xact_lock(hashtext('mediakiln:due_jobs'))");
      await sweeper.sweep(true);
      expect((await read(late.id)).due).toBe(false);
      await other.commitTransaction();
      await sweeper.sweep(true);
      expect((await read(late.id)).due).toBe(true);
      expect(await repairs()).toContainEqual(['due_jobs', 1]);
    } finally {
      await other.release();
      await worker.close();
    }
  });

  it('goes on when a duty finds its rows locked, says so, and lets that duty try again', async () => {
    const worker = await startWorker(database.url, { sweepSeconds: 60 });
    const other = database.dataSource.createQueryRunner();
    const gone = randomUUID();
    const isThere = async () =>
      (await database.dataSource.query('SELECT FROM worker WHERE boot_id = $1', [gone])).length === 1;
    try {
      const warn = jest.spyOn(worker.app.get(Log), 'warn');
      const sweeper = worker.app.get(JobSweeper);
      await database.dataSource.query(
        `INSERT INTO worker (boot_id, hostname, pid, operations, heartbeat_at)
         VALUES ($1, 'h', 1, '{}', now() - interval '2 hours')`,
        [gone],
      );
      await other.startTransaction();
      await other.query('SELECT FROM worker WHERE boot_id = $1 FOR UPDATE', [gone]);
      const late = await insert({ delay_seconds: 60, operation: 'video.trim' });
      await database.dataSource.query("UPDATE job SET run_at = now() - interval '1 second' WHERE id = $1", [
        late.id,
      ]);
      const swept = await Promise.race([sweeper.sweep(true).then(() => true), sleep(20_000, false)]);
      expect(swept).toBe(true);
      expect((await read(late.id)).due).toBe(true);
      expect(await isThere()).toBe(true);
      expect(warn.mock.calls).toEqual([
        ['sweeper duty failed', { duty: 'gone_workers', err: expect.objectContaining({ code: '55P03' }) }],
      ]);
      await other.rollbackTransaction();
      await sweeper.sweep(true);
      expect(await isThere()).toBe(false);
    } finally {
      if (other.isTransactionActive) await other.rollbackTransaction();
      await other.release();
      await worker.close();
    }
  });

  it('finds the duties of every lib', async () => {
    const worker = await startWorker(database.url, { sweepSeconds: 60 });
    try {
      const names = worker.app.get(JobSweeper).dutyNames;
      expect(names).toEqual(
        expect.arrayContaining(['lapsed_leases', 'due_jobs', 'ring_due', 'gone_workers']),
      );
      expect(names.length).toBeGreaterThan(6);
      expect(new Set(names).size).toBe(names.length);
    } finally {
      await worker.close();
    }
  });
});
