import { createHash, randomUUID } from 'node:crypto';
import { Job, Media, Upload } from '@mediakiln/entities';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { fakeJpeg, filesOnDisk } from '../../../../test/support/multipart';
import { OFFSET_STREAM, TusCaller, base64, named } from '../../../../test/support/tus';

const MAX_BYTES = 3_000_000;

let gateway: TestGateway;
let user: RegisteredUser;
let tus: TusCaller;

beforeAll(async () => {
  gateway = await startGateway({
    config: { maxUploadBytes: MAX_BYTES, corsOrigins: ['https://console.example'] },
  });
});
afterAll(() => gateway.close());
beforeEach(async () => {
  user = await gateway.register();
  tus = new TusCaller(gateway, user);
});

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function problemOf(response: Response): Promise<{ status: number; code: string; detail: string }> {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(response.headers.get('tus-resumable')).toBe('1.0.0');
  return (await response.json()) as { status: number; code: string; detail: string };
}

const mediaOf = (response: Response): Promise<Media> =>
  gateway.database.manager.findOneByOrFail(Media, { id: response.headers.get('mediakiln-media-id')! });

it('says what it can do, to everybody', async () => {
  for (const path of ['/v1/uploads', `/v1/uploads/${randomUUID()}`]) {
    const { status, headers } = await tus.send('OPTIONS', path, { authorization: '', 'tus-resumable': '' });
    expect(status).toBe(204);
    expect(Object.fromEntries([...headers].filter(([name]) => name.startsWith('tus-')))).toEqual({
      'tus-resumable': '1.0.0',
      'tus-version': '1.0.0',
      'tus-extension': 'creation,creation-with-upload,termination,expiration,checksum,concatenation',
      'tus-checksum-algorithm': 'sha1,sha256',
      'tus-max-size': String(MAX_BYTES),
    });
  }
});

describe('an upload', () => {
  it('comes in pieces and becomes a media with a probe job', async () => {
    const bytes = fakeJpeg(1_000_000);
    const begun = await tus.post({ 'upload-length': String(bytes.length), ...named('../Grüße 📷.jpg') });
    expect([begun.status, begun.headers.get('tus-resumable')]).toEqual([201, '1.0.0']);
    const path = begun.headers.get('location')!;
    expect(path).toMatch(/^\/v1\/uploads\/[0-9a-f-]{36}$/);
    expect(Date.parse(begun.headers.get('upload-expires')!)).toBeGreaterThan(Date.now() + 86_000_000);

    const first = await tus.patch(path, 0, bytes.subarray(0, 300_000));
    expect([first.status, first.headers.get('upload-offset')]).toEqual([204, '300000']);
    expect(first.headers.has('mediakiln-media-id')).toBe(false);
    const head = await tus.head(path);
    expect(Object.fromEntries(head.headers)).toMatchObject({
      'upload-offset': '300000',
      'upload-length': String(bytes.length),
      'upload-metadata': `filename ${base64('../Grüße 📷.jpg')}`,
      'cache-control': 'no-store',
      'tus-resumable': '1.0.0',
    });
    const last = await tus.patch(path, 300_000, bytes.subarray(300_000));
    expect([last.status, last.headers.get('upload-offset')]).toEqual([204, String(bytes.length)]);

    const media = await mediaOf(last);
    expect(media).toMatchObject({
      owner_id: user.user.id,
      name: 'Grüße 📷.jpg',
      bytes: bytes.length,
      sha256: sha256(bytes),
      status: 'processing',
    });
    const job = await gateway.database.manager.findOneByOrFail(Job, { id: media.job_id! });
    expect(job).toMatchObject({ operation: 'image.probe', request_id: last.headers.get('x-request-id') });
    const content = await fetch(`${gateway.url}/v1/media/${media.id}/content`, {
      headers: user.authorization,
    });
    expect(sha256(Buffer.from(await content.arrayBuffer()))).toBe(sha256(bytes));

    expect((await tus.head(path)).headers.get('mediakiln-media-id')).toBe(media.id);
    const asJson = await tus.send('GET', path);
    expect(await asJson.json()).toMatchObject({
      id: path.slice(-36),
      name: 'Grüße 📷.jpg',
      length_bytes: bytes.length,
      offset_bytes: bytes.length,
      media_id: media.id,
    });
    expect((await filesOnDisk(gateway)).filter((name) => path.endsWith(name))).toEqual([]);
  });

  it('may bring its first bytes, or all of them, with its beginning', async () => {
    const bytes = fakeJpeg(50_000);
    const length = { 'upload-length': String(bytes.length), ...named('a.jpg'), ...OFFSET_STREAM };
    const some = await tus.post(length, bytes.subarray(0, 20_000));
    expect([some.status, some.headers.get('upload-offset')]).toEqual([201, '20000']);
    expect((await tus.patch(some.headers.get('location')!, 20_000, bytes.subarray(20_000))).status).toBe(204);
    const all = await tus.post(length, bytes);
    expect([all.status, all.headers.get('upload-offset')]).toEqual([201, String(bytes.length)]);
    expect(await mediaOf(all)).toMatchObject({ sha256: sha256(bytes), name: 'a.jpg' });
  });

  it('is given up with all its bytes, and then unknown', async () => {
    const path = await tus.begin(100);
    await tus.patch(path, 0, fakeJpeg(46));
    expect(await filesOnDisk(gateway)).toContain(path.slice(-36));
    expect((await tus.send('DELETE', path)).status).toBe(204);
    expect(await filesOnDisk(gateway)).not.toContain(path.slice(-36));
    for (const method of ['HEAD', 'DELETE', 'GET']) expect((await tus.send(method, path)).status).toBe(404);
    expect((await tus.patch(path, 50, fakeJpeg(46))).status).toBe(404);
  });

  it('leaves its media when it is given up afterwards', async () => {
    const bytes = fakeJpeg(100);
    const path = await tus.begin(bytes.length);
    const media = await mediaOf(await tus.patch(path, 0, bytes));
    expect((await tus.send('DELETE', path)).status).toBe(204);
    const found = await fetch(`${gateway.url}/v1/media/${media.id}`, { headers: user.authorization });
    expect(found.status).toBe(200);
  });

  it('is told to be over when its time is', async () => {
    const path = await tus.begin(100);
    await gateway.database.manager.update(Upload, { id: path.slice(-36) }, { expires_at: new Date(0) });
    expect((await tus.head(path)).status).toBe(410);
    const answer = await tus.patch(path, 0, fakeJpeg(10));
    expect(await problemOf(answer)).toMatchObject({ status: 410, code: 'upload_expired' });
    expect((await tus.send('DELETE', path)).status).toBe(204);
  });

  it('answers pages of other origins, which may read all its headers', async () => {
    const origin = { origin: 'https://console.example' };
    const path = (await tus.post({ 'upload-length': '100', ...origin })).headers.get('location')!;
    const { headers } = await tus.send('HEAD', path, origin);
    expect(headers.get('access-control-allow-origin')).toBe('https://console.example');
    const exposed = headers.get('access-control-expose-headers')!.split(', ');
    for (const name of ['Location', 'Upload-Offset', 'Upload-Length', 'Tus-Resumable', 'Mediakiln-Media-Id'])
      expect(exposed).toContain(name);
    const elsewhere = await tus.send('HEAD', path, { origin: 'https://evil.example' });
    expect(elsewhere.headers.has('access-control-allow-origin')).toBe(false);
  });
});

it("shows nobody that another's upload exists", async () => {
  const path = await tus.begin(100);
  const stranger = new TusCaller(gateway, await gateway.register());
  for (const method of ['HEAD', 'GET', 'DELETE'])
    expect((await stranger.send(method, path)).status).toBe(404);
  expect(await problemOf(await stranger.patch(path, 0, fakeJpeg(10)))).toMatchObject({ code: 'not_found' });
  expect(await tus.offset(path)).toBe(0);
});

describe('a beginning is refused', () => {
  it.each<[string, Record<string, string>, number, string, RegExp]>([
    ['without a version', { 'tus-resumable': '' }, 412, 'unsupported_tus_version', /must be 1\.0\.0/],
    ['of another version', { 'tus-resumable': '0.2.2' }, 412, 'unsupported_tus_version', /not 0\.2\.2/],
    ['without a length', { 'upload-length': '' }, 400, 'malformed_request', /Upload-Length is missing/],
    ['of a negative length', { 'upload-length': '-1' }, 400, 'malformed_request', /whole number/],
    ['of a length in words', { 'upload-length': '1e3' }, 400, 'malformed_request', /whole number/],
    ['of no bytes', { 'upload-length': '0' }, 422, 'empty_file', /0 bytes/],
    [
      'whose length is to follow',
      { 'upload-length': '', 'upload-defer-length': '1' },
      400,
      'malformed_request',
      /Upload-Defer-Length/,
    ],
    ['that is too large', { 'upload-length': '3000001' }, 413, 'body_too_large', /3000001 .* 3000000/],
    ['with broken metadata', { 'upload-metadata': 'filename ***' }, 400, 'malformed_request', /metadata/i],
    [
      'with NUL in its metadata',
      { 'upload-metadata': `a ${base64('x\0y')}` },
      400,
      'malformed_request',
      /NUL/,
    ],
    ['with an odd concat', { 'upload-concat': 'half' }, 400, 'malformed_request', /concat/i],
    [
      'with an unknown checksum',
      { 'upload-checksum': 'crc32 AAAA' },
      400,
      'malformed_request',
      /sha1 and sha256/,
    ],
    ['with half a checksum', { 'upload-checksum': 'sha1 AAAA' }, 400, 'malformed_request', /20 bytes/],
  ])('%s', async (_case, headers, status, code, detail) => {
    const before = await gateway.database.manager.count(Upload);
    const answer = await tus.post({ 'upload-length': '100', ...headers });
    expect(await problemOf(answer)).toMatchObject({
      status,
      code,
      detail: expect.stringMatching(detail) as unknown,
    });
    if (status === 412) expect(answer.headers.get('tus-version')).toBe('1.0.0');
    expect(await gateway.database.manager.count(Upload)).toBe(before);
  });
});
