import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeClip } from '../../../../test/support/clips';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { photo } from '../../../../test/support/pictures';
import { type Chunk, type Told, VideoClient, bodyOf } from '../../../../test/support/video-client';
import { withVideoProcessor } from '../../../../test/support/with-video-processor';

let gateway: TestGateway;
/** Another one, with the same database and the same folder. */
let replica: TestGateway;
let owner: RegisteredUser;
let client: VideoClient;
let clip: Buffer;
let chunks: Buffer[];

beforeAll(async () => {
  gateway = await startGateway(await withVideoProcessor());
  const { databaseUrl, dataDir, publicUrl } = gateway.config;
  replica = await startGateway({ databaseUrl: () => databaseUrl!, config: { dataDir, publicUrl } });
  clip = await readFile(await makeClip({ seconds: 3, width: 160, height: 96 }));
  chunks = cut(clip, 5);
});
afterAll(async () => {
  await replica?.close();
  await gateway?.close();
});

beforeEach(async () => {
  owner = await gateway.register();
  client = VideoClient.with(gateway.url, owner.token);
});

function cut(bytes: Buffer, count: number): Buffer[] {
  const size = Math.ceil(bytes.length / count);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

const send = (number: number, more: Partial<Chunk> = {}, by = client): Promise<Told> =>
  by.chunk({ number, total: chunks.length, fileId: 'a file', bytes: chunks[number - 1]!, ...more });

async function sendAll(numbers: number[], more: Partial<Chunk> = {}): Promise<Told[]> {
  const told: Told[] = [];
  for (const number of numbers) told.push(await send(number, more));
  return told;
}

/** Of a video that these tests uploaded: its bytes are those of the clip. */
async function expectClip(told: Told | undefined): Promise<string> {
  expect([told?.status, told?.body]).toEqual([
    201,
    {
      message: 'All 5 chunks have arrived',
      video: {
        id: expect.any(String) as string,
        name: 'movie.mp4',
        duration: expect.closeTo(3, 1) as number,
        size: clip.length,
        file: expect.any(String) as string,
        uploaded_at: expect.any(String) as string,
      },
    },
  ]);
  const { id, file } = (told!.body as { video: { id: string; file: string } }).video;
  const bytes = Buffer.from(await (await fetch(file)).arrayBuffer());
  expect(sha256(bytes)).toBe(sha256(clip));
  return id;
}
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const refusal = (status: number, code: string, sentence: RegExp): object => ({
  status,
  body: { error: expect.stringMatching(sentence) as string, code },
});
const told = ({ status, body }: Told): object => ({ status, body: body as unknown });
const rows = (): Promise<{ id: string; protocol: string; reserved_bytes: string }[]> =>
  gateway.database.query('SELECT * FROM upload WHERE owner_id = $1', [owner.user.id]);
const filesOf = async (id: string): Promise<string[]> =>
  (await readdir(join(gateway.config.dataDir, 'objects', '.uploads'))).filter((name) => name.startsWith(id));
const staged = (): Promise<string[]> => readdir(join(gateway.config.dataDir, 'objects', '.staging'));

it('takes chunks in any order, and says each time what is missing', async () => {
  const answers = await sendAll([4, 1, 5, 2, 3]);
  expect(answers.slice(0, 4).map(({ status, body }) => [status, body])).toEqual([
    [200, { message: 'Chunk 4 of 5 has arrived', missing: [1, 2, 3, 5], missing_count: 4 }],
    [200, { message: 'Chunk 1 of 5 has arrived', missing: [2, 3, 5], missing_count: 3 }],
    [200, { message: 'Chunk 5 of 5 has arrived', missing: [2, 3], missing_count: 2 }],
    [200, { message: 'Chunk 2 of 5 has arrived', missing: [3], missing_count: 1 }],
  ]);
  const id = await expectClip(answers[4]);
  expect((await client.list()).map((video) => video.id)).toEqual([id]);
  const [row] = await rows();
  expect([await filesOf(row!.id), row!.reserved_bytes]).toEqual([[], '0']);
});

it('answers a chunk that comes again after the end as before, with the same video', async () => {
  const first = await expectClip((await sendAll([1, 2, 3, 4, 5])).at(-1));
  for (const number of [5, 1]) expect(await expectClip(await send(number))).toBe(first);
  expect(told(await send(2, { bytes: Buffer.from('other') }))).toEqual(
    refusal(409, 'upload_conflict', /Chunk 2/),
  );
  expect(await client.list()).toHaveLength(1);
});

it('makes one video of chunks that come all at once, twice, over two gateways', async () => {
  const other = VideoClient.with(replica.url, owner.token);
  const numbers = [1, 2, 3, 4, 5];
  const answers = await Promise.all([
    ...numbers.map((number) => send(number)),
    ...numbers.map((number) => send(number, {}, other)),
  ]);
  const videos = answers.filter(({ status }) => status === 201);
  expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 201)).toEqual(
    [],
  );
  expect(videos.length).toBeGreaterThan(0);
  const ids = await Promise.all(videos.map(expectClip));
  expect(new Set(ids).size).toBe(1);
  expect((await client.list()).map(({ id }) => id)).toEqual([ids[0]]);
});

it('takes the same chunk again, and refuses another in its place', async () => {
  const [first, again] = await sendAll([2, 2]);
  expect([again!.status, again!.body]).toEqual([first!.status, first!.body]);
  const [row] = await rows();
  expect(await filesOf(row!.id)).toEqual([`${row!.id}.2`]);
  for (const bytes of [Buffer.from('x'), Buffer.alloc(chunks[1]!.length), Buffer.alloc(0)])
    expect(told(await send(2, { bytes }))).toEqual(
      refusal(409, 'upload_conflict', /Chunk 2 came with other bytes/),
    );
  expect(told(await send(1, { total: 6 }))).toEqual(
    refusal(409, 'upload_conflict', /total_chunks was 5 .* 6/),
  );
  expect(told(await send(1, { name: 'other.mp4' }))).toEqual(
    refusal(409, 'upload_conflict', /file_name was "movie.mp4"/),
  );
  // And the set goes on as if nothing had been.
  await expectClip((await sendAll([1, 3, 4, 5])).at(-1));
});

it('takes a file_id for a name and nothing else, each owner their own', async () => {
  const ids = ['../../etc/passwd', "'; DROP TABLE upload; --", '..\\..\\x', '%2e%2e/%00', 'ファイル 🎬'];
  const before = await readdir(gateway.config.dataDir);
  for (const fileId of ids) expect((await send(1, { fileId })).status).toBe(200);
  const stranger = await gateway.register();
  const theirs = VideoClient.with(gateway.url, stranger.token);
  for (const fileId of ids)
    expect((await send(2, { fileId }, theirs)).body).toMatchObject({ missing: [1, 3, 4, 5] });
  await expectClip((await sendAll([2, 3, 4, 5], { fileId: ids[0] })).at(-1));
  expect((await send(1, { fileId: ids[0] }, theirs)).body).toMatchObject({ missing: [3, 4, 5] });
  expect(await theirs.list()).toEqual([]);
  expect(await readdir(gateway.config.dataDir)).toEqual(before);
  for (const row of await rows()) expect(row.id).toMatch(/^[0-9a-f-]{36}$/);
});

it('reads the fields also when they come behind the chunk', async () => {
  const form = new FormData();
  form.append('chunk', new Blob([new Uint8Array(chunks[0]!)]), 'blob');
  for (const [name, value] of Object.entries({
    chunk_number: '1',
    total_chunks: '5',
    file_id: 'behind',
    file_name: 'movie.mp4',
  }))
    form.append(name, value);
  const { status, body } = await client.call('POST', '/api/videos/chunked_upload', { body: form });
  expect([status, body]).toMatchObject([200, { missing: [2, 3, 4, 5] }]);
});

it('names what is wrong with a field, and keeps nothing', async () => {
  const good = { chunk_number: '1', total_chunks: '5', file_id: 'x', file_name: 'movie.mp4' };
  const wrong: [Record<string, string>, RegExp][] = [
    [{ chunk_number: '0' }, /chunk_number must be a whole number from 1 to 10000, not "0"/],
    [{ chunk_number: '6' }, /chunk_number is 6, and total_chunks is 5/],
    [{ chunk_number: 'one' }, /chunk_number/],
    [{ chunk_number: '1.5' }, /chunk_number/],
    [{ total_chunks: '10001' }, /total_chunks must be a whole number from 1 to 10000, not "10001"/],
    [{ total_chunks: '-1' }, /total_chunks/],
    [{ file_id: '' }, /file_id is missing/],
    [{ file_id: 'x'.repeat(256) }, /file_id may have 255 characters, and this one has 256/],
    [{ file_id: 'a\0b' }, /file_id/],
    [{ file_name: '' }, /file_name is missing/],
  ];
  const before = await staged();
  for (const [fields, sentence] of wrong) {
    const form = new FormData();
    for (const [name, value] of Object.entries({ ...good, ...fields })) form.append(name, value);
    form.append('chunk', new Blob([new Uint8Array(chunks[0]!)]), 'blob');
    const answer = await client.call('POST', '/api/videos/chunked_upload/', { body: form });
    expect(told(answer)).toEqual(refusal(400, 'validation_failed', sentence));
  }
  const without = await client.call('POST', '/api/videos/chunked_upload/', bodyOf(good, 'multipart'));
  expect(told(without)).toEqual(refusal(400, 'malformed_multipart', /chunk/));
  expect([await rows(), await staged()]).toEqual([[], before]);
});

it('lists a thousand missing numbers, and counts all', async () => {
  const { body } = await send(2, { total: 10_000 });
  const { missing, missing_count } = body as { missing: number[]; missing_count: number };
  expect([missing.length, missing[0], missing[1], missing_count]).toEqual([1_000, 1, 3, 9_999]);
});

it('lets an abandoned set expire, and begins anew under the same name', async () => {
  await sendAll([1, 2]);
  const [abandoned] = await rows();
  await gateway.database.query("UPDATE upload SET expires_at = now() - interval '1 s' WHERE id = $1", [
    abandoned!.id,
  ]);
  // Not even its terms are left.
  expect((await send(3, { total: 4 })).body).toMatchObject({ missing: [1, 2, 4] });
  expect((await rows()).map(({ id }) => id)).not.toContain(abandoned!.id);
});

it('begins anew when the video was deleted since', async () => {
  const first = await expectClip((await sendAll([1, 2, 3, 4, 5])).at(-1));
  await fetch(`${gateway.url}/v1/media/${first}`, { method: 'DELETE', headers: owner.authorization });
  expect((await send(5)).body).toMatchObject({ missing: [1, 2, 3, 4] });
  expect(await expectClip((await sendAll([1, 2, 3, 4])).at(-1))).not.toBe(first);
});

it.each([
  [
    'a text',
    () => Promise.resolve(Buffer.from('no video at all, however it is cut')),
    'unsupported_media_type',
  ],
  ['a picture', () => photo(), 'unsupported_media_type'],
  ['half a video', () => Promise.resolve(clip.subarray(0, clip.length / 3)), 'video_corrupt'],
  ['nothing', () => Promise.resolve(Buffer.alloc(0)), 'empty_file'],
])('refuses %s once it is whole, and keeps none of it', async (_what, bytes, code) => {
  const parts = cut(await bytes(), 2);
  expect((await send(1, { total: 2, bytes: parts[0] })).status).toBe(200);
  const [row] = await rows();
  expect(told(await send(2, { total: 2, bytes: parts[1] }))).toEqual(refusal(400, code, /./));
  expect([await rows(), await filesOf(row!.id), await client.list()]).toEqual([[], [], []]);
  expect((await send(2, { total: 2, bytes: parts[1] })).body).toMatchObject({ missing: [1] });
});
