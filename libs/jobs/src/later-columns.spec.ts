import { randomUUID } from 'node:crypto';
import { ENTITIES, type Job, Media, StoredObject } from '@mediakiln/entities';
import type { MadeOutput } from '@mediakiln/media';
import { Client } from 'pg';
import { batchScene } from '../../../test/support/batches';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { createUser } from '../../../test/support/jobs';
import { IMAGE_PROBE } from '../../../test/support/worker-scene';

// In a rolling deployment the new processes migrate while the old ones work on, in sessions that keep prepared plans.
let database: TestDatabase;
let newer: Client;
let scene: ReturnType<typeof batchScene>;
let owner: string;

beforeAll(async () => {
  // One connection: all that is prepared is run again in the same session.
  database = await createTestDatabase(1);
  newer = new Client({ connectionString: database.url });
  await newer.connect();
  scene = batchScene(database.dataSource);
  owner = await createUser(database.dataSource);
});
afterAll(async () => {
  await newer.end();
  await database.close();
});

let columns = 0;
/** Every table gets a column that this process knows nothing of. */
async function migrateLater(): Promise<void> {
  columns += 1;
  for (const { tableName } of ENTITIES.map((entity) => database.dataSource.getMetadata(entity)))
    await newer.query(`ALTER TABLE "${tableName}" ADD COLUMN later_${columns} text NOT NULL DEFAULT 'x'`);
}

async function claimOf(job: Job): Promise<Job> {
  const claimed = await scene.claim();
  expect(claimed).toMatchObject({ id: job.id, status: 'processing', epoch: 1, inputs: job.inputs });
  return claimed!;
}

/** Its object is there, its media is not. */
async function madeOutput(): Promise<MadeOutput> {
  const sha256 = randomUUID().replaceAll('-', '').repeat(2);
  await database.dataSource.manager.insert(StoredObject, { owner_id: owner, sha256, bytes: 1 });
  const info = { mime_type: 'image/jpeg', probe: IMAGE_PROBE };
  return { variant: 'output', name: 'made.jpg', container: 'jpeg', info, sha256, bytes: 1, parent_ids: [] };
}

const work = {
  inserts: async () => {
    const job = await scene.insert({ owner_id: owner, delay_seconds: 3_600 });
    expect(job).toEqual(await scene.read(job.id));
  },
  claims: async () => {
    const claimed = await claimOf(await scene.insert({ owner_id: owner }));
    await database.dataSource.query('DELETE FROM job WHERE id = $1', [claimed.id]);
  },
  settles: async () => {
    const { id, epoch, operation, purpose } = await claimOf(await scene.insert({ owner_id: owner }));
    const outputs = [await madeOutput()];
    const end = { id, epoch, operation, purpose, to: 'completed', reason: 'done', outputs } as const;
    const settled = await scene.store.settle(end);
    expect(settled!.job).toEqual(expect.objectContaining(await scene.read(id)));
    expect(await database.dataSource.manager.countBy(Media, { job_id: id })).toBe(1);
  },
  'ends batches': async () => {
    const { id } = await scene.given(owner, [['https://a.example/1.jpg']]);
    await scene.end('completed');
    expect((await scene.reader.find(owner, id))?.status).toBe('completed');
  },
};

it.each(Object.entries(work))('%s as before when a newer process has added columns', async (_what, run) => {
  await run();
  await migrateLater();
  await run();
});
