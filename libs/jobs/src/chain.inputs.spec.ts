import { readFile } from 'node:fs/promises';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { createUser } from '../../../test/support/jobs';
import { type TestWorker, produce, startWorker } from '../../../test/support/worker';
import { workerScene } from '../../../test/support/worker-scene';

let database: TestDatabase;
let worker: TestWorker;
let scene: ReturnType<typeof workerScene>;
let owner: string;

beforeAll(async () => {
  database = await createTestDatabase();
  worker = await startWorker(database.url);
});
beforeEach(async () => {
  owner = await createUser(database.dataSource);
  scene = workerScene(database.dataSource, worker, owner);
  worker.executor.runs.length = 0;
  worker.executor.script = (execution) => produce(execution, `made by ${execution.job_id}`);
});
afterAll(async () => {
  await worker.close();
  await database.close();
});

/** A job on what another made. @param output which */
const submitAfter = (job_id: string, output = 'output'): Promise<string> =>
  scene.submit({ depends_on: job_id, chain_id: job_id, inputs: [{ job_id, output }] });

async function made(): Promise<{ first: string; media: string }> {
  const first = await scene.submit();
  await scene.settled(first);
  const [media] = await scene.outputs(first);
  return { first, media: media!.id };
}

it('works on what an earlier job of its chain made, which is its parent and names what it makes', async () => {
  const { first, media } = await made();
  let seen = '';
  worker.executor.script = async (execution) => {
    seen = await readFile(execution.inputs[0]!.path, 'utf8');
    return produce(execution, 'made of that');
  };
  const second = await submitAfter(first);
  expect(await scene.settled(second)).toMatchObject({ status: 'completed' });
  expect(seen).toBe(`made by ${first}`);
  expect(await scene.outputs(second)).toEqual([
    expect.objectContaining({ parent_ids: [media], name: 'photo-compress-compress.jpg' }),
  ]);
});

it('waits for it', async () => {
  const first = await scene.submit({ delay_seconds: 1 });
  const second = await submitAfter(first);
  expect(await scene.settled(second)).toMatchObject({ status: 'completed' });
  expect(worker.executor.runs.map(({ job_id }) => job_id)).toEqual([first, second]);
});

it.each<[string, (media: string) => Promise<unknown>, string, string]>([
  [
    'was deleted',
    (id) => database.dataSource.query('DELETE FROM media WHERE id = $1', [id]),
    'output',
    'input_gone',
  ],
  [
    'is somebody else’s',
    async (id) => scene.updateMedia(id, { owner_id: await createUser(database.dataSource), sha256: null }),
    'output',
    'input_gone',
  ],
  ['was never made', () => Promise.resolve(), 'sheet', 'input_gone'],
  ['is of another kind', (id) => scene.updateMedia(id, { kind: 'other' }), 'output', 'unsupported_input'],
])('fails when it %s', async (_, spoil, output, code) => {
  const { first, media } = await made();
  await spoil(media);
  const second = await submitAfter(first, output);
  expect(await scene.settled(second)).toMatchObject({ status: 'failed', error_code: code, failures: 1 });
  expect(worker.executor.runs.map(({ job_id }) => job_id)).toEqual([first]);
});
