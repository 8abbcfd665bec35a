import { StoredObject } from '@mediakiln/entities';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { createUser } from '../../../test/support/jobs';
import { type TestWorker, produce, startWorker } from '../../../test/support/worker';
import { workerScene } from '../../../test/support/worker-scene';

const QUOTA = 2_000;

let database: TestDatabase;
let worker: TestWorker;
let scene: ReturnType<typeof workerScene>;
let owner: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.dataSource.query('TRUNCATE job CASCADE');
  owner = await createUser(database.dataSource);
});
afterEach(() => worker?.close());

async function start(maxOwnerBytes?: number): Promise<void> {
  worker = await startWorker(database.url, { maxOwnerBytes });
  scene = workerScene(database.dataSource, worker, owner);
}
/** Each job's output is of so many bytes and, unless `content` is given, unlike any other. */
const outputsOf = (bytes: number, content?: string): void => {
  worker.executor.script = (execution) =>
    produce(execution, (content ?? execution.job_id).padEnd(bytes, '.'));
};
const bytesKept = async (): Promise<number> => {
  const objects = await database.dataSource.manager.findBy(StoredObject, { owner_id: owner });
  return objects.reduce((sum, { bytes }) => sum + bytes, 0);
};

it.each(['request', 'batch'] as const)(
  'fails a %s whose outputs do not fit, once and for all',
  async (purpose) => {
    await start(QUOTA);
    outputsOf(QUOTA);
    const id = await scene.submit({ purpose });
    const before = await bytesKept();
    expect(await scene.settled(id)).toMatchObject({
      status: 'failed',
      error_code: 'quota_exceeded',
      error_detail: `This account may keep ${QUOTA} bytes; it has or expects ${before}, and ${QUOTA} more were asked for`,
      failures: 1,
      epoch: 1,
    });
    expect([await scene.outputs(id), await bytesKept()]).toEqual([[], before]);
  },
);

it('finds room that is only reserved for an upload on its way', async () => {
  await start(QUOTA);
  outputsOf(1_000);
  await database.dataSource.query(
    `INSERT INTO upload (id, owner_id, protocol, name, reserved_bytes, expires_at)
     VALUES (gen_random_uuid(), $1, 'tus', 'all that is left', $2, now() + interval '1 hour')`,
    [owner, QUOTA],
  );
  expect(await scene.settled(await scene.submit())).toMatchObject({ status: 'completed' });
});

it('needs no room for what the owner has already', async () => {
  await start(QUOTA);
  outputsOf(1_900, 'the same');
  for (let times = 0; times < 2; times += 1)
    expect(await scene.settled(await scene.submit())).toMatchObject({ status: 'completed' });
});

it('is not overdrawn by jobs that end at once', async () => {
  await start(QUOTA);
  outputsOf(600);
  const inputs = [{ media_id: await scene.givenMedia() }];
  const ids = await Promise.all([1, 2, 3, 4, 5].map(() => scene.submit({ inputs })));
  const jobs = await Promise.all(ids.map((id) => scene.settled(id)));
  expect(jobs.map(({ status }) => status).sort()).toEqual([
    'completed',
    'completed',
    'completed',
    'failed',
    'failed',
  ]);
  expect(await bytesKept()).toBeLessThanOrEqual(QUOTA);
});

it('refuses no thumbnail', async () => {
  await start(QUOTA);
  outputsOf(QUOTA);
  const id = await scene.submit({ purpose: 'thumbnail' });
  expect(await scene.settled(id)).toMatchObject({ status: 'completed' });
});

it('asks nothing where the installation has no limit', async () => {
  await start();
  outputsOf(QUOTA);
  await database.dataSource.query('UPDATE "user" SET quota_bytes = 1 WHERE id = $1', [owner]);
  expect(await scene.settled(await scene.submit())).toMatchObject({ status: 'completed' });
});
