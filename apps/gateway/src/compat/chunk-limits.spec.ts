import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { type ClientRequest, request } from 'node:http';
import { join } from 'node:path';
import { UploadSweep } from '@mediakiln/media';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { fieldPart, filePart, MULTIPART } from '../../../../test/support/multipart';
import { until } from '../../../../test/support/until';
import { type Told, VideoClient } from '../../../../test/support/video-client';
import { VideoUploadsService } from './video-uploads.service';

const MAX_BYTES = 200_000;
const HEAD = Buffer.from('\0\0\0\x14ftypisom\0\0\0\0isom');

let gateway: TestGateway;
let owner: RegisteredUser;
let client: VideoClient;

beforeAll(async () => {
  // Nothing is swept but when a test says so.
  const config = { maxUploadBytes: MAX_BYTES, minFreeBytes: 0, sweepSeconds: 3_600 };
  gateway = await startGateway({ config });
  // No worker looks into anything here.
  gateway.app.get(VideoUploadsService, { strict: false }).probeWaitMs = 0;
});
afterAll(() => gateway?.close());

beforeEach(async () => {
  owner = await gateway.register();
  client = VideoClient.with(gateway.url, owner.token);
});

/** Passes for a video as far as the gateway looks. */
const chunkOf = (bytes: number): Buffer => Buffer.concat([HEAD, randomBytes(bytes - HEAD.length)]);
const send = (number: number, bytes: Buffer, more: object = {}): Promise<Told> =>
  client.chunk({ number, total: 3, fileId: 'a file', bytes, ...more });
const refusal = (status: number, code: string, sentence: RegExp): object => ({
  status,
  body: { error: expect.stringMatching(sentence) as string, code },
});
const told = ({ status, body }: Told): object => ({ status, body: body as unknown });

interface Row {
  id: string;
  protocol: string;
  offset: string;
  reserved_bytes: string;
}
const rows = (): Promise<Row[]> =>
  gateway.database.query('SELECT * FROM upload WHERE owner_id = $1', [owner.user.id]);
const filesIn = (folder: string): Promise<string[]> =>
  readdir(join(gateway.config.dataDir, 'objects', folder));
const allow = (bytes: number): Promise<unknown> =>
  gateway.database.query('UPDATE "user" SET quota_bytes = $2 WHERE id = $1', [owner.user.id, bytes]);

it('takes as many bytes in chunks as in one piece, and says so when there are more', async () => {
  const staged = await filesIn('.staging');
  expect((await send(1, chunkOf(120_000))).status).toBe(200);
  expect(told(await send(2, chunkOf(80_001)))).toEqual(
    refusal(413, 'body_too_large', /may have 200000 bytes, and with this chunk it has 200001/),
  );
  expect((await rows()).map(({ offset }) => offset)).toEqual(['120000']);
  expect((await send(2, chunkOf(80_000))).body).toMatchObject({ missing: [3] });
  expect(told(await send(3, chunkOf(MAX_BYTES + 1)))).toEqual(refusal(413, 'body_too_large', /200000/));
  expect(told(await send(3, chunkOf(4 << 20)))).toEqual(refusal(413, 'body_too_large', /has 4194\d+ bytes/));
  expect(await filesIn('.staging')).toEqual(staged);
  expect((await send(3, Buffer.alloc(0))).status).toBe(201);
});

describe('the quota', () => {
  it('is held by chunks until the video is, to the byte', async () => {
    await allow(100_000);
    expect((await send(1, chunkOf(60_000))).status).toBe(200);
    expect((await rows()).map(({ reserved_bytes }) => reserved_bytes)).toEqual(['60000']);
    expect(told(await send(2, chunkOf(40_001)))).toEqual(refusal(413, 'quota_exceeded', /40000 bytes/));
    expect(told(await send(2, chunkOf(150_000)))).toEqual(refusal(413, 'quota_exceeded', /100000 bytes/));
    expect((await send(2, chunkOf(40_000))).status).toBe(200);
    expect((await send(2, Buffer.alloc(0), { fileId: 'another' })).status).toBe(413);
    expect((await rows()).map(({ protocol }) => protocol)).toEqual(['chunks']);
  });

  it('is given back by the end of a set and counted as the video', async () => {
    await allow(100_000);
    for (const number of [1, 2]) await send(number, chunkOf(30_000));
    expect((await send(3, chunkOf(30_000))).status).toBe(201);
    expect((await rows()).map(({ reserved_bytes }) => reserved_bytes)).toEqual(['0']);
    expect((await send(1, chunkOf(10_001), { fileId: 'another' })).status).toBe(413);
    expect((await send(1, chunkOf(10_000), { fileId: 'another' })).status).toBe(200);
  });

  it('is not overdrawn by chunks that come at once', async () => {
    await allow(100_000);
    const numbers = [1, 2, 3, 4, 5, 6];
    const answers = await Promise.all(numbers.map((number) => send(number, chunkOf(30_000), { total: 10 })));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(3);
    expect(answers.every(({ status }) => [200, 413].includes(status))).toBe(true);
    // Whoever was refused while others were on their way may come again.
    for (const number of numbers) await send(number, chunkOf(30_000), { total: 10 });
    const [row] = await rows();
    expect([row!.offset, row!.reserved_bytes]).toEqual(['90000', '90000']);
  });

  it('is reserved before the bytes of a chunk arrive, and free again when they do not', async () => {
    await allow(100_000);
    const stalled = stall(90_000);
    const reserved = await until('the reservation', async () => (await rows())[0]);
    expect([reserved.protocol, Number(reserved.reserved_bytes) >= 90_000]).toEqual(['multipart', true]);
    expect(told(await send(1, chunkOf(30_000)))).toEqual(
      refusal(413, 'quota_exceeded', /keep 9\d{3} bytes more/),
    );
    stalled.destroy();
    await until('the quota', async () => (await rows()).length === 0);
    expect((await send(1, chunkOf(30_000))).status).toBe(200);
  });

  /** Announces a chunk and sends the beginning of it. */
  function stall(bytes: number): ClientRequest {
    const { port } = new URL(gateway.url);
    const body = Buffer.concat([fieldPart('file_id', 'stalled'), filePart(chunkOf(bytes), 'chunk')]);
    const headers = { ...MULTIPART, ...owner.authorization, 'content-length': String(body.length) };
    const path = '/api/videos/chunked_upload/';
    const stalled = request({ host: '127.0.0.1', port, method: 'POST', path, headers });
    stalled.on('error', () => undefined);
    stalled.write(body.subarray(0, 10_000));
    return stalled;
  }
});

it('refuses a chunk with 507 where the disk must keep that much free, and goes on afterwards', async () => {
  await send(1, chunkOf(20_000));
  const config = gateway.config as { minFreeBytes: number };
  config.minFreeBytes = Number.MAX_SAFE_INTEGER;
  expect(told(await send(2, chunkOf(20_000)))).toEqual(
    refusal(507, 'storage_full', /The storage takes 0 bytes more/),
  );
  config.minFreeBytes = 0;
  expect((await send(2, chunkOf(20_000))).status).toBe(200);
  expect((await rows()).map(({ offset }) => offset)).toEqual(['40000']);
});

it('makes the video from any chunk when it died with all of them there', async () => {
  for (const number of [1, 2]) await send(number, chunkOf(20_000));
  const uploads = gateway.app.get(VideoUploadsService, { strict: false });
  const keep = jest
    .spyOn((uploads as unknown as { uploads: { keep: () => Promise<never> } }).uploads, 'keep')
    .mockRejectedValueOnce(new Error('as if it had ended here'));
  const bytes = chunkOf(20_000);
  expect((await send(3, bytes)).status).toBe(500);
  keep.mockRestore();
  // Nor has it given back its turn.
  const [row] = await rows();
  await gateway.database.query(
    "UPDATE upload SET locked_by = gen_random_uuid(), locked_until = now() + interval '2 s' WHERE id = $1",
    [row!.id],
  );
  const answer = await send(3, bytes);
  expect([answer.status, answer.body]).toMatchObject([201, { video: { size: 60_000 } }]);
  expect(await filesIn('.uploads')).not.toContain(`${row!.id}.1`);
});

it('sweeps what was abandoned, chunks and all, and leaves alone what goes on', async () => {
  await send(1, chunkOf(20_000), { fileId: 'abandoned' });
  await send(1, chunkOf(20_000), { fileId: 'alive' });
  const [abandoned, alive] = (await rows()).sort((a, b) => (a.id < b.id ? -1 : 1));
  await gateway.database.query("UPDATE upload SET expires_at = now() - interval '1 s' WHERE id = $1", [
    abandoned!.id,
  ]);
  const sweep = gateway.app.get(UploadSweep, { strict: false });
  await gateway.database.transaction((tx) => sweep.sweep(tx));
  expect((await rows()).map(({ id }) => id)).toEqual([alive!.id]);
  const left = await filesIn('.uploads');
  expect([left.includes(`${abandoned!.id}.1`), left.includes(`${alive!.id}.1`)]).toEqual([false, true]);
});
