import { createHash } from 'node:crypto';
import { Media } from '@mediakiln/entities';
import { Upload as Client } from 'tus-js-client';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { fakeJpeg } from '../../../../test/support/multipart';
import { OFFSET_STREAM, TusCaller } from '../../../../test/support/tus';

let gateway: TestGateway;
let user: RegisteredUser;
let tus: TusCaller;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());
beforeEach(async () => {
  user = await gateway.register();
  tus = new TusCaller(gateway, user);
});

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function problemOf(response: Response): Promise<unknown> {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(response.headers.get('tus-resumable')).toBe('1.0.0');
  return response.json();
}

const mediaOf = (response: Response): Promise<Media> =>
  gateway.database.manager.findOneByOrFail(Media, { id: response.headers.get('mediakiln-media-id')! });

it('sends an upload by POST alone, where X-HTTP-Method-Override says what is meant', async () => {
  const bytes = fakeJpeg(60_000);
  const path = await tus.begin(bytes.length);
  const override = (method: string, more: object = {}, body?: Buffer): Promise<Response> =>
    tus.send('POST', path, { 'x-http-method-override': method, ...more }, body);
  const at = (offset: number): object => ({ ...OFFSET_STREAM, 'upload-offset': String(offset) });
  const first = await override('PATCH', at(0), bytes.subarray(0, 20_000));
  expect([first.status, first.headers.get('upload-offset')]).toEqual([204, '20000']);
  const head = await override('HEAD');
  expect([head.status, head.headers.get('upload-offset'), await head.text()]).toEqual([200, '20000', '']);
  expect(await problemOf(await override('PATCH', at(9), bytes))).toMatchObject({
    code: 'upload_offset_mismatch',
  });
  const last = await override('PATCH', at(20_000), bytes.subarray(20_000));
  expect(await mediaOf(last)).toMatchObject({ sha256: sha256(bytes) });
  expect((await override('DELETE')).status).toBe(204);
  expect((await tus.head(path)).status).toBe(404);
});

it.each(['', 'GET', 'POST', 'patch'])('takes no POST that means %j', async (meant) => {
  const path = await tus.begin(100);
  const answer = await tus.send('POST', path, { 'x-http-method-override': meant });
  expect(answer.headers.get('allow')).toBe('DELETE, GET, HEAD, OPTIONS, PATCH');
  expect(await problemOf(answer)).toMatchObject({
    status: 405,
    code: 'method_not_allowed',
    detail: `X-HTTP-Method-Override must be PATCH, HEAD or DELETE${meant && `, not ${meant}`}`,
  });
  expect(await tus.offset(path)).toBe(0);
});

it('takes what comes from tus-js-client with overridePatchMethod', async () => {
  const bytes = fakeJpeg(100_000);
  const url = await new Promise<string>((done, failed) => {
    const upload = new Client(bytes, {
      endpoint: `${gateway.url}/v1/uploads`,
      headers: user.authorization,
      chunkSize: 40_000,
      overridePatchMethod: true,
      retryDelays: null,
      onSuccess: () => done(upload.url!),
      onError: failed,
    });
    upload.start();
  });
  expect(await mediaOf(await tus.head(url))).toMatchObject({ sha256: sha256(bytes) });
});
