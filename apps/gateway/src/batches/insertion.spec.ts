import { Readable } from 'node:stream';
import type { Batch } from '@mediakiln/entities';
import { JobSweeper } from '@mediakiln/jobs';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { ListScene, listOf } from '../../../../test/support/list-scene';
import { BatchChunks, type Chunk, chunksOf } from './batch.chunks';
import { BatchInsertion } from './batch.insertion';
import { readCsvAs } from './csv/csv.reader';
import { imageJobId } from './image-job-id';
import { InsertionDuty } from './insertion.duty';

const ROWS = 650;
/** Every address but the last is in two rows that follow each other, so that chunks share some. */
const LINES = Array.from({ length: ROWS }, (_, n) => `${n + 1},Chair,https://x.test/${Math.ceil(n / 2)}.jpg`);
const LIST = listOf(...LINES);
const ADDRESSES = ROWS / 2 + 1;

let scene: ListScene;
let second: TestGateway;
let chunks: BatchChunks;
beforeAll(async () => {
  // Nothing is swept but when a test says so, and by the gateway that it means.
  const sweepSeconds = 3_600;
  scene = await ListScene.start({ config: { sweepSeconds } });
  const { databaseUrl, dataDir } = scene.gateway.config;
  second = await startGateway({ config: { dataDir, sweepSeconds }, databaseUrl: () => databaseUrl! });
  chunks = scene.gateway.app.get(BatchChunks);
});
afterAll(async () => {
  await second.close();
  await scene.close();
});
beforeEach(() => scene.newUser());
afterEach(async () => {
  jest.restoreAllMocks();
  // What one test leaves lying is old enough for the sweeper of the next on a slow machine.
  await scene.gateway.database.query('DELETE FROM batch');
});

/** As if its gateway had died with the answer. */
async function stored(list = LIST): Promise<Batch> {
  jest.spyOn(scene.insertion, 'start').mockReturnValueOnce(false);
  expect((await scene.upload(list)).status).toBe(202);
  return now();
}

const now = async (): Promise<Batch> => (await scene.batches())[0]!;

async function chunksIn(batch: Batch): Promise<Chunk[]> {
  const rows = readCsvAs(Readable.from([Buffer.from(LIST)]), batch.csv_format);
  return (await Readable.from(chunksOf(batch.id, rows, batch.rows_inserted)).toArray()) as Chunk[];
}

const change = (batch: Batch, what: string): Promise<unknown> =>
  scene.gateway.database.query(`UPDATE batch SET ${what} WHERE id = $1`, [batch.id]);

/** What a crash leaves behind lapses after a while: it is over. */
const lapse = (batch: Batch): Promise<unknown> =>
  change(batch, `claimed_until = now() - interval '1 s', created_at = now() - interval '1 minute'`);

async function sweep(gateway = scene.gateway): Promise<void> {
  await gateway.app.get(JobSweeper).sweep(true);
  await gateway.app.get(BatchInsertion).idle();
}

async function expectWhole(batch: Batch): Promise<void> {
  expect(await now()).toMatchObject({
    rows_inserted: ROWS,
    claimed_until: null,
    inserted_at: expect.any(Date),
  });
  const images = await scene.images(batch.id);
  expect(images.map(({ row, url }) => `${row},Chair,${url}`)).toEqual(LINES);
  for (const { url, job_id } of images) expect(job_id).toBe(imageJobId(batch.id, url));
  expect(await scene.jobs(batch.id)).toHaveLength(ADDRESSES);
}

it('cuts a list into chunks of whole rows', async () => {
  const cut = await chunksIn(await stored());
  expect(cut.map(({ upTo, images }) => [upTo, images.length])).toEqual([
    [250, 250],
    [500, 250],
    [650, 150],
  ]);
});

it('is resumed by the sweeper of any gateway where a crash broke it off', async () => {
  const batch = await stored();
  const claimed = (await chunks.claim(batch.id))!;
  const [first] = await chunksIn(claimed);
  expect(await chunks.insert(claimed, 0, first!)).toBe(true);
  expect(await now()).toMatchObject({ rows_inserted: 250, inserted_at: null });

  await change(batch, `created_at = now() - interval '1 minute'`);
  await sweep(second);
  expect(await now()).toMatchObject({ rows_inserted: 250, inserted_at: null });

  await lapse(batch);
  await sweep(second);
  await expectWhole(batch);
});

it('begins anew when the crash came before the first chunk, and ends when it came after the last', async () => {
  const untouched = await stored();
  await change(untouched, `created_at = now() - interval '1 minute'`);
  await sweep();
  await expectWhole(untouched);

  await change(untouched, 'inserted_at = NULL');
  await lapse(untouched);
  await sweep();
  await expectWhole(untouched);
});

it('takes nothing from the gateway that is at it: a young list is left alone', async () => {
  const batch = await stored();
  const duty = second.app.get(InsertionDuty);
  expect(await scene.gateway.database.transaction((tx) => duty.sweep(tx))).toBe(0);
  expect(await now()).toMatchObject({ id: batch.id, rows_inserted: 0 });
});

it('is done once when two gateways insert the same chunk at the same time', async () => {
  const batch = await stored();
  const others = second.app.get(BatchChunks);
  let from = 0;
  for (const chunk of await chunksIn(batch)) {
    const both = await Promise.all([chunks, others].map((one) => one.insert(batch, from, chunk)));
    expect(both.sort()).toEqual([false, true]);
    from = chunk.upTo;
  }
  expect((await Promise.all([chunks, others].map((one) => one.finish(batch.id, from)))).sort()).toEqual([
    false,
    true,
  ]);
  await expectWhole(batch);
});

it('is done by one when two gateways start on a list', async () => {
  const batch = await stored();
  const both = [scene.insertion, second.app.get(BatchInsertion)];
  expect(both.map((one) => one.start(batch.id))).toEqual([true, true]);
  await Promise.all(both.map((one) => one.idle()));
  await expectWhole(batch);
});

it('stops at a cancel', async () => {
  const batch = await stored();
  const [first, next] = await chunksIn(batch);
  expect(await chunks.insert(batch, 0, first!)).toBe(true);
  await change(batch, 'canceled_at = now()');
  expect(await chunks.insert(batch, 250, next!)).toBe(false);
  expect(await chunks.finish(batch.id, 250)).toBe(false);
  expect(await chunks.claim(batch.id)).toBeNull();
  expect(await now()).toMatchObject({ rows_inserted: 250, inserted_at: null });
  expect(await scene.jobs(batch.id)).toHaveLength(126);
});

it('stops between two chunks when its gateway shuts down, and another one goes on at once', async () => {
  const batch = await stored();
  const other = second.app.get(BatchInsertion);
  const stopping = second.app.get(BatchChunks);
  const insert = stopping.insert.bind(stopping);
  let stopped: Promise<void> | undefined;
  jest.spyOn(stopping, 'insert').mockImplementationOnce(async (...chunk) => {
    stopped = other.beforeApplicationShutdown();
    return insert(...chunk);
  });
  other.start(batch.id);
  await other.idle();
  await stopped;
  expect(await now()).toMatchObject({ rows_inserted: 250, claimed_until: null, inserted_at: null });
  expect(other.start(batch.id)).toBe(false);

  scene.insertion.start(batch.id);
  await scene.inserted();
  await expectWhole(batch);
});

it('gives each address of a batch one id, which is a UUIDv7 of the batch’s time', () => {
  const batch = '01979a3f-5c11-7abc-8def-0123456789ab';
  const id = imageJobId(batch, 'https://x.test/1.jpg');
  expect(id).toMatch(/^01979a3f-5c11-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(imageJobId(batch, 'https://x.test/1.jpg')).toBe(id);
  const others = [
    imageJobId(batch, 'https://x.test/2.jpg'),
    imageJobId(batch.replace('b', 'a'), 'https://x.test/1.jpg'),
  ];
  expect(new Set([id, ...others]).size).toBe(3);
});
