import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { Media, Upload } from '@mediakiln/entities';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { fakeJpeg, filesOnDisk } from '../../../../test/support/multipart';
import { OFFSET_STREAM, TusCaller } from '../../../../test/support/tus';
import { until } from '../../../../test/support/until';

let gateway: TestGateway;
/** On the same database and the same storage. */
let second: TestGateway;
let user: RegisteredUser;
let tus: TusCaller;
let elsewhere: TusCaller;

beforeAll(async () => {
  // Whoever sends ten times a second is not idle, although the machine stands still for a while.
  gateway = await startGateway({ limits: { uploadIdleMs: 5_000 } });
  const { databaseUrl, dataDir } = gateway.config;
  second = await startGateway({ config: { dataDir }, databaseUrl: () => databaseUrl! });
});
afterAll(async () => {
  await second?.close();
  await gateway?.close();
});
beforeEach(async () => {
  user = await gateway.register();
  tus = new TusCaller(gateway, user);
  elsewhere = new TusCaller(second, user);
});

const sumOf = (algorithm: string, bytes: Buffer): Record<string, string> => ({
  'upload-checksum': `${algorithm} ${createHash(algorithm).update(bytes).digest('base64')}`,
});
const codeOf = async (response: Response): Promise<unknown> => [
  response.status,
  ((await response.json()) as { code: string }).code,
];
const rowOf = (path: string): Promise<Upload> =>
  gateway.database.manager.findOneByOrFail(Upload, { id: path.slice(-36) });

describe('a PATCH is refused', () => {
  it.each<[string, Record<string, string>, number, number, string]>([
    ['at another offset', { 'upload-offset': '9' }, 10, 409, 'upload_offset_mismatch'],
    ['without an offset', { 'upload-offset': '' }, 10, 400, 'malformed_request'],
    ['at an offset in words', { 'upload-offset': 'ten' }, 10, 400, 'malformed_request'],
    ['of another type', { 'content-type': 'text/plain' }, 10, 415, 'unsupported_content_type'],
    ['as a JSON', { 'content-type': 'application/json' }, 0, 415, 'unsupported_content_type'],
    ['that announces too much', {}, 91, 413, 'body_too_large'],
    ['without a version', { 'tus-resumable': '' }, 10, 412, 'unsupported_tus_version'],
  ])('%s, and the offset stays', async (_case, headers, bytes, status, code) => {
    const path = await tus.begin(100);
    await tus.patch(path, 0, fakeJpeg(6));
    const body = headers['content-type'] === 'application/json' ? Buffer.from('{}') : Buffer.alloc(bytes);
    expect(await codeOf(await tus.patch(path, 10, body, headers))).toEqual([status, code]);
    expect(await tus.offset(path)).toBe(10);
  });

  it('that brings more than it may without announcing it', async () => {
    const path = await tus.begin(100);
    const stream = new Blob([new Uint8Array(101)]).stream();
    const answer = await tus.send('PATCH', path, { ...OFFSET_STREAM, 'upload-offset': '0' }, stream);
    expect(await codeOf(answer)).toEqual([413, 'body_too_large']);
    expect(await tus.offset(path)).toBe(0);
  });
});

describe('a checksum', () => {
  it.each(['sha1', 'sha256'])('of the kind %s lets the right bytes in and no others', async (algorithm) => {
    const bytes = fakeJpeg(200_000);
    const path = await tus.begin(bytes.length);
    const [first, rest] = [bytes.subarray(0, 100_000), bytes.subarray(100_000)];
    expect((await tus.patch(path, 0, first, sumOf(algorithm, first))).status).toBe(204);
    const wrong = await tus.patch(path, 100_000, Buffer.alloc(rest.length), sumOf(algorithm, rest));
    expect(await codeOf(wrong)).toEqual([460, 'checksum_mismatch']);
    expect(await tus.offset(path)).toBe(100_000);
    expect((await tus.patch(path, 100_000, rest, sumOf(algorithm, rest))).status).toBe(204);
    const { media_id } = await rowOf(path);
    const media = await gateway.database.manager.findOneByOrFail(Media, { id: media_id! });
    expect(media.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  it('of an unknown kind is refused', async () => {
    const path = await tus.begin(100);
    const answer = await tus.patch(path, 0, fakeJpeg(6), {
      'upload-checksum': 'md5 AAAAAAAAAAAAAAAAAAAAAA==',
    });
    expect(await codeOf(answer)).toEqual([400, 'malformed_request']);
    expect(await tus.offset(path)).toBe(0);
  });

  it('that is wrong at the beginning leaves no upload', async () => {
    const bytes = fakeJpeg(6);
    const length = { 'upload-length': '10', ...OFFSET_STREAM };
    const answer = await tus.post({ ...length, ...sumOf('sha1', Buffer.from('x')) }, bytes);
    expect(await codeOf(answer)).toEqual([460, 'checksum_mismatch']);
    expect(await gateway.database.manager.countBy(Upload, { owner_id: user.user.id })).toBe(0);
  });
});

describe('what is no media', () => {
  it.each([
    ['a long text, before all of it is sent', Buffer.alloc(10_000, 'text'), 1e6, 'unsupported_media_type'],
    ['a short text', Buffer.from('a text named .jpg'), 17, 'unsupported_media_type'],
    ['a playlist', Buffer.from('ffconcat version 1.0\nfile ok.mp4\n'), 33, 'unsupported_container'],
  ])('is refused and gone: %s', async (_case, bytes, length, code) => {
    const path = await tus.begin(length);
    expect(await codeOf(await tus.patch(path, 0, bytes))).toEqual([415, code]);
    expect((await tus.head(path)).status).toBe(404);
    expect(await filesOnDisk(gateway)).not.toContain(path.slice(-36));
  });
});

describe('two gateways', () => {
  it('take turns: a PATCH while another one writes waits, and is refused', async () => {
    const bytes = fakeJpeg(2_000_000);
    const path = await tus.begin(bytes.length);
    const writing = new SlowPatch(gateway, user, path, bytes.length);
    writing.send(bytes.subarray(0, 1_500_000));
    await until('the lock', async () => (await rowOf(path)).locked_by !== null);
    const refused = elsewhere.patch(path, 0, bytes);
    const alive = setInterval(() => writing.send(Buffer.alloc(1)), 100);
    const outcome = await codeOf(await refused);
    clearInterval(alive);
    expect(outcome).toEqual([423, 'upload_locked']);

    writing.hangUp();
    await until('the end of the first', async () => (await rowOf(path)).locked_by === null);
    const offset = await elsewhere.offset(path);
    expect(offset).toBeGreaterThanOrEqual(1_500_000);
    expect((await elsewhere.patch(path, offset, bytes.subarray(offset))).status).toBe(204);
    expect((await rowOf(path)).media_id).not.toBeNull();
  });

  it('let one of two PATCHes of the same bytes win', async () => {
    const bytes = fakeJpeg(500_000);
    const path = await tus.begin(bytes.length);
    const answers = await Promise.all([tus, elsewhere].map((caller) => caller.patch(path, 0, bytes)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses[0]).toBe(204);
    expect([409, 423]).toContain(statuses[1]);
    expect(await gateway.database.manager.countBy(Media, { owner_id: user.user.id })).toBe(1);
  });

  it('do not wait for a connection that has died without a word', async () => {
    const bytes = fakeJpeg(100_000);
    const path = await tus.begin(bytes.length);
    const dead = new SlowPatch(second, user, path, bytes.length);
    dead.send(bytes.subarray(0, 50_000));
    await until('the lock', async () => (await rowOf(path)).locked_by !== null);
    await until('the lapse', async () => (await tus.patch(path, 0, bytes)).status === 204, 30_000);
    dead.hangUp();
    expect((await rowOf(path)).media_id).not.toBeNull();
  });
});

it('keeps what had arrived when a body stalls and is cut', async () => {
  const bytes = fakeJpeg(300_000);
  const path = await tus.begin(bytes.length);
  const stalled = new SlowPatch(gateway, user, path, bytes.length);
  stalled.send(bytes.subarray(0, 200_000));
  await until('the cut', async () => (await rowOf(path)).offset > 0);
  expect(await tus.offset(path)).toBe(200_000);
  expect((await tus.patch(path, 200_000, bytes.subarray(200_000))).status).toBe(204);
});

it('finishes what a crash left between the last byte and the media, for whoever looks next', async () => {
  const bytes = fakeJpeg(100_000);
  const path = await tus.begin(bytes.length);
  await tus.patch(path, 0, bytes.subarray(0, 60_000));
  await writeFile(join(gateway.config.dataDir, 'objects/.uploads', path.slice(-36)), bytes);
  await gateway.database.manager.update(Upload, { id: path.slice(-36) }, { offset: bytes.length });
  const { status, headers } = await tus.head(path);
  expect([status, headers.get('upload-offset')]).toEqual([200, String(bytes.length)]);
  const media = await gateway.database.manager.findOneByOrFail(Media, {
    id: headers.get('mediakiln-media-id')!,
  });
  expect(media.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
});

/** A PATCH whose body comes when the test wants it to. */
class SlowPatch {
  private readonly request;

  constructor(site: TestGateway, { authorization }: RegisteredUser, path: string, length: number) {
    const headers = { ...authorization, ...OFFSET_STREAM, 'tus-resumable': '1.0.0', 'upload-offset': '0' };
    this.request = request(site.url + path, {
      method: 'PATCH',
      headers: { ...headers, 'content-length': length },
    });
    this.request.on('error', () => undefined);
  }

  send(bytes: Buffer): void {
    this.request.write(bytes);
  }

  hangUp(): void {
    this.request.destroy();
  }
}
