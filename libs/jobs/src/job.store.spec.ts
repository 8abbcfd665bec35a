import { randomUUID } from 'node:crypto';
import { AppError } from '@mediakiln/contracts';
import { createUser, jobScene } from '../../../test/support/jobs';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { MAX_DEATHS } from './job.store';

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

describe('a worker that lost its claim', () => {
  it('cannot complete, fail or give back the job', async () => {
    await scene.insert({ owner_id: owner });
    const zombie = (await scene.claim())!;
    await scene.store.giveBack(zombie, { reason: 'lapsed', delaySeconds: 0 });
    const winner = (await scene.claim())!;
    expect(winner.epoch).toBe(2);
    expect(await scene.complete(zombie)).toBeNull();
    expect(
      await scene.store.settle({
        ...zombie,
        to: 'failed',
        reason: 'error',
        error: new AppError('image_corrupt'),
      }),
    ).toBeNull();
    expect(await scene.store.giveBack(zombie, { reason: 'retry', delaySeconds: 0 })).toBe(false);
    expect(await scene.store.renew([zombie])).toEqual(new Set());
    expect(await scene.read(winner.id)).toMatchObject({ status: 'processing', epoch: 2 });
  });

  it('does not hold others back from renewing', async () => {
    await scene.insert({ owner_id: owner });
    await scene.insert({ owner_id: owner });
    const first = (await scene.claim())!;
    const second = (await scene.claim())!;
    await scene.store.giveBack(first, { reason: 'drained', delaySeconds: 0 });
    expect(await scene.store.renew([first, second])).toEqual(new Set([second.id]));
  });
});

describe('settling', () => {
  it('completes with report, trail and notification, once', async () => {
    const job = await scene.insert({ owner_id: owner });
    const claimed = (await scene.claim())!;
    const settled = await scene.complete(claimed);
    expect(settled!.job).toMatchObject({
      id: job.id,
      status: 'completed',
      report: { saved_percent: 12 },
      lease_until: null,
    });
    expect(await scene.complete(claimed)).toBeNull();
    expect(await scene.trail(job.id)).toEqual([
      'pending 0 created',
      'processing 1 claimed',
      'completed 1 done',
    ]);
  });

  it('records the error of a failed job', async () => {
    await scene.insert({ owner_id: owner });
    const claimed = (await scene.claim())!;
    await scene.store.settle({
      ...claimed,
      to: 'failed',
      reason: 'error',
      error: new AppError('image_truncated', 'The image ends at row 12'),
    });
    expect(await scene.read(claimed.id)).toMatchObject({
      status: 'failed',
      error_code: 'image_truncated',
      error_detail: 'The image ends at row 12',
      failures: 1,
      deaths: 0,
    });
  });

  it('releases the steps that wait for a completed job and tells which topics to ring', async () => {
    const first = await scene.insert({ owner_id: owner });
    const second = await scene.insert({ owner_id: owner, depends_on: first.id });
    const settled = await scene.complete((await scene.claim())!);
    expect(settled!.released).toEqual(['image']);
    expect((await scene.claim())!.id).toBe(second.id);
  });

  it('cancels the steps behind a failed one, to the end of the chain', async () => {
    const first = await scene.insert({ owner_id: owner });
    const second = await scene.insert({ owner_id: owner, depends_on: first.id });
    const third = await scene.insert({ owner_id: owner, depends_on: second.id });
    const claimed = (await scene.claim())!;
    await scene.store.settle({
      ...claimed,
      to: 'failed',
      reason: 'error',
      error: new AppError('image_corrupt'),
    });
    for (const id of [second.id, third.id])
      expect(await scene.read(id)).toMatchObject({ status: 'canceled', error_code: 'dependency_failed' });
    expect(await scene.trail(third.id)).toEqual(['pending 0 created', 'canceled 0 dependency_failed']);
  });

  it('makes a step due at once whose dependency completed before it was inserted', async () => {
    const first = await scene.insert({ owner_id: owner });
    await scene.complete((await scene.claim())!);
    expect((await scene.insert({ owner_id: owner, depends_on: first.id })).due).toBe(true);
  });
});

describe('canceling', () => {
  const cancel = (id: string, ownerId = owner) =>
    scene.store.settle({
      id,
      owner_id: ownerId,
      to: 'canceled',
      reason: 'canceled_by_user',
      error: new AppError('conflict', 'The job was canceled'),
    });

  it.each([
    ['pending', {}],
    ['delayed', { delay_seconds: 3600 }],
  ])('ends a %s job for good', async (_state, extra) => {
    const job = await scene.insert({ owner_id: owner, ...extra });
    expect((await cancel(job.id))!.job.status).toBe('canceled');
    expect(await scene.claim()).toBeNull();
  });

  it('ends a processing job, whose worker can then write nothing', async () => {
    await scene.insert({ owner_id: owner });
    const claimed = (await scene.claim())!;
    await cancel(claimed.id);
    expect(await scene.complete(claimed)).toBeNull();
    expect((await scene.store.standing([claimed.id])).get(claimed.id)).toMatchObject({ status: 'canceled' });
  });

  it('does nothing to a settled job or to the job of another owner', async () => {
    const job = await scene.insert({ owner_id: owner });
    expect(await cancel(job.id, await createUser(database.dataSource))).toBeNull();
    await scene.complete((await scene.claim())!);
    expect(await cancel(job.id)).toBeNull();
    expect((await scene.read(job.id)).status).toBe('completed');
  });
});

describe('retrying by hand', () => {
  it('starts counters anew and keeps the epoch growing', async () => {
    const job = await scene.insert({ owner_id: owner });
    const claimed = (await scene.claim())!;
    await scene.store.settle({
      ...claimed,
      to: 'failed',
      reason: 'error',
      error: new AppError('image_corrupt'),
    });
    const retried = await scene.store.retry(owner, job.id);
    expect(retried).toMatchObject({
      status: 'pending',
      failures: 0,
      deaths: 0,
      epoch: 1,
      error_code: null,
      due: true,
    });
    expect((await scene.claim())!.epoch).toBe(2);
  });

  it('is refused for jobs that wait, run or completed, and for those of others', async () => {
    const job = await scene.insert({ owner_id: owner });
    expect(await scene.store.retry(owner, job.id)).toBeNull();
    const claimed = (await scene.claim())!;
    expect(await scene.store.retry(owner, job.id)).toBeNull();
    await scene.complete(claimed);
    expect(await scene.store.retry(owner, job.id)).toBeNull();
    expect(await scene.store.retry(await createUser(database.dataSource), job.id)).toBeNull();
  });
});

describe('giving back', () => {
  it.each([
    ['retry', { failures: 1, deaths: 0 }],
    ['lapsed', { failures: 0, deaths: 1 }],
    ['drained', { failures: 0, deaths: 0 }],
    ['deferred', { failures: 0, deaths: 0 }],
  ] as const)('counts %s as it should', async (reason, counters) => {
    const job = await scene.insert({ owner_id: owner });
    const claimed = (await scene.claim())!;
    expect(await scene.store.giveBack(claimed, { reason, delaySeconds: 0 })).toBe(true);
    expect(await scene.read(job.id)).toMatchObject({
      status: 'pending',
      due: true,
      lease_until: null,
      ...counters,
    });
    expect((await scene.trail(job.id)).at(-1)).toBe(`pending 1 ${reason}`);
  });

  it('keeps a backed-off job from being claimed before its time', async () => {
    const job = await scene.insert({ owner_id: owner });
    await scene.store.giveBack((await scene.claim())!, {
      reason: 'retry',
      delaySeconds: 30.5,
      error: new AppError('engine_crashed'),
    });
    expect(await scene.claim()).toBeNull();
    expect(await scene.read(job.id)).toMatchObject({ due: false, error_code: 'engine_crashed' });
  });

  it('fails a job under which too many workers died', async () => {
    const job = await scene.insert({ owner_id: owner });
    for (let death = 1; death <= MAX_DEATHS; death += 1) {
      const claimed = (await scene.claim())!;
      await database.dataSource.transaction((tx) => scene.store.takeBack(tx, [claimed]));
    }
    expect(await scene.read(job.id)).toMatchObject({
      status: 'failed',
      error_code: 'too_many_deaths',
      deaths: MAX_DEATHS,
      failures: 0,
    });
  });

  it('takes back at once what another boot of the embedded process held, and nothing of its own', async () => {
    const lost = await scene.insert({ owner_id: owner });
    await scene.claim();
    const mine = randomUUID();
    const kept = await scene.insert({ owner_id: owner });
    await scene.claim(undefined, mine);
    expect(await scene.store.reclaimOtherBoots(mine)).toBe(1);
    expect((await scene.read(lost.id)).status).toBe('pending');
    expect((await scene.read(kept.id)).status).toBe('processing');
  });
});
