import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ImageProbe } from '@mediakiln/contracts';
import { MediaStore } from '@mediakiln/media';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { fakeJpeg, fileForm, upload } from '../../../../test/support/multipart';
import type { MediaResponse } from '../present/media.response';

const JPEG = fakeJpeg(2_500_000);
const PROBE = { kind: 'image', width: 30, height: 40 } as ImageProbe;

let gateway: TestGateway;
let user: RegisteredUser;
let media: MediaResponse;

beforeAll(async () => {
  gateway = await startGateway();
  user = await gateway.register();
  media = await uploaded(user);
});
afterAll(() => gateway.close());

async function uploaded(owner: RegisteredUser, name = 'a photo.jpg'): Promise<MediaResponse> {
  const response = await upload(gateway, owner.authorization, fileForm(JPEG, name));
  expect(response.status).toBe(201);
  return (await response.json()) as MediaResponse;
}

function call(path: string, init: RequestInit = {}, owner = user): Promise<Response> {
  return fetch(gateway.url + path, {
    ...init,
    headers: { ...owner.authorization, ...(init.headers as Record<string, string>) },
  });
}
const content = (headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
  call(`/v1/media/${media.id}/content`, { headers, method });
const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());
const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { code: string }).code;

async function makeReady(one: MediaResponse): Promise<void> {
  const settlement = { owner_id: user.user.id, media_id: one.id, result: { facts: PROBE } };
  await gateway.database.transaction((tx) => gateway.app.get(MediaStore).settleProbe(tx, settlement));
}

describe('the bytes of a media', () => {
  it('come whole, with headers that let a browser show them and nothing more', async () => {
    const response = await content();
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/jpeg',
      'content-length': String(JPEG.length),
      etag: `"${media.sha256}"`,
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'cross-origin-resource-policy': 'cross-origin',
      'content-disposition': `inline; filename="a photo.jpg"; filename*=UTF-8''a%20photo.jpg`,
    });
    expect((await bytesOf(response)).equals(JPEG)).toBe(true);
  });

  it('come undamaged to a client that reads slower than the disk', async () => {
    const large = Buffer.concat([fakeJpeg(100), randomBytes(24 << 20)]);
    const created = await upload(gateway, user.authorization, fileForm(large, 'large.jpg'));
    const { id } = (await created.json()) as MediaResponse;
    const { body } = await call(`/v1/media/${id}/content`);
    const seen: Uint8Array[] = [];
    for await (const chunk of body!) {
      seen.push(chunk);
      if (seen.length % 40 === 0) await sleep(5);
    }
    expect(Buffer.concat(seen).equals(large)).toBe(true);
  });

  it('are only announced to HEAD', async () => {
    const response = await content({}, 'HEAD');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe(String(JPEG.length));
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    expect(await bytesOf(response)).toHaveLength(0);
  });

  it.each([
    ['bytes=0-99', 0, 99],
    ['bytes=1000000-2200000', 1_000_000, 2_200_000],
    ['bytes=-10', JPEG.length - 10, JPEG.length - 1],
    [`bytes=${JPEG.length - 1}-`, JPEG.length - 1, JPEG.length - 1],
  ])('come in the part that %s asks for', async (range, start, end) => {
    const response = await content({ range });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end}/${JPEG.length}`);
    expect((await bytesOf(response)).equals(JPEG.subarray(start, end + 1))).toBe(true);
  });

  it.each([`bytes=${JPEG.length}-`, 'bytes=0-0,9-9'])('cannot be had for %s', async (range) => {
    const response = await content({ range });
    expect(response.status).toBe(416);
    expect(response.headers.get('content-range')).toBe(`bytes */${JPEG.length}`);
    expect(await codeOf(response)).toBe('range_not_satisfiable');
  });

  it('come whole when the range was meant for another version', async () => {
    const range = 'bytes=0-9';
    expect((await content({ range, 'if-range': `"${media.sha256}"` })).status).toBe(206);
    expect((await content({ range, 'if-range': '"another"' })).status).toBe(200);
    expect((await content({ range, 'if-range': new Date().toUTCString() })).status).toBe(200);
  });

  it.each(['"ETAG"', 'W/"ETAG"', '"other", "ETAG"', '*'])('do not come again for %s', async (tags) => {
    const response = await content({ 'if-none-match': tags.replace('ETAG', media.sha256!) });
    expect(response.status).toBe(304);
    expect(response.headers.get('etag')).toBe(`"${media.sha256}"`);
    expect(await bytesOf(response)).toHaveLength(0);
  });

  it('are still served after many clients left in the middle', async () => {
    for (let client = 0; client < 5; client += 1) {
      const abort = new AbortController();
      const response = await fetch(media.content_url!, { signal: abort.signal });
      await response.body!.getReader().read();
      abort.abort();
    }
    expect((await bytesOf(await content())).equals(JPEG)).toBe(true);
  });
});

describe('a signed address', () => {
  const plain = (url: string): Promise<Response> => fetch(url);

  it('opens without a token', async () => {
    const response = await plain(media.content_url!);
    expect(response.status).toBe(200);
    expect((await bytesOf(response)).equals(JPEG)).toBe(true);
    expect((await fetch(media.content_url!, { headers: { range: 'bytes=0-0' } })).status).toBe(206);
  });

  it('opens nothing when it was tampered with, or without its signature', async () => {
    const other = await uploaded(user);
    const { search, searchParams } = new URL(media.content_url!);
    const later = `?exp=${Number(searchParams.get('exp')) + 1}&sig=${searchParams.get('sig')}`;
    for (const url of [
      `${gateway.url}/v1/media/${other.id}/content${search}`,
      `${gateway.url}/v1/media/${media.id}/content${later}`,
      `${gateway.url}/v1/media/${media.id}/content?exp=${searchParams.get('exp')}`,
    ]) {
      const response = await plain(url);
      expect([url, response.status, await codeOf(response)]).toEqual([url, 403, 'invalid_signature']);
    }
    expect((await plain(`${gateway.url}/v1/media/${media.id}/content`)).status).toBe(401);
    expect((await plain(`${gateway.url}/v1/media/latest/content${search}`)).status).toBe(403);
  });

  it('stops when the media is deleted', async () => {
    const gone = await uploaded(user);
    expect((await call(`/v1/media/${gone.id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await plain(gone.content_url!)).status).toBe(404);
    expect((await call(`/v1/media/${gone.id}`)).status).toBe(404);
    expect((await call(`/v1/media/${gone.id}`, { method: 'DELETE' })).status).toBe(404);
  });
});

describe('media', () => {
  it('are listed in pages, newest first, by kind and status', async () => {
    const owner = await gateway.register();
    const ids: string[] = [];
    for (const name of ['1.jpg', '2.jpg', '3.jpg']) ids.unshift((await uploaded(owner, name)).id);
    const first = await call('/v1/media?limit=2&kind=image', {}, owner);
    const page = (await first.json()) as { data: MediaResponse[]; has_more: boolean; next_cursor: string };
    expect(page.data.map((one) => one.id)).toEqual(ids.slice(0, 2));
    expect(page.has_more).toBe(true);
    const next = /<(.*)>; rel="next"/.exec(first.headers.get('link')!)![1]!;
    const rest = (await (await call(next, {}, owner)).json()) as typeof page;
    expect(rest).toMatchObject({ data: [{ id: ids[2] }], has_more: false, next_cursor: null });
    expect(await (await call('/v1/media?status=ready', {}, owner)).json()).toMatchObject({ data: [] });
    expect((await call('/v1/media?kind=song', {}, owner)).status).toBe(422);
    expect(await codeOf(await call('/v1/media?cursor=x', {}, owner))).toBe('invalid_cursor');
  });

  it('are `latest` once one is ready', async () => {
    expect((await call('/v1/media/latest')).status).toBe(404);
    await makeReady(media);
    const latest = (await (await call('/v1/media/latest')).json()) as MediaResponse;
    expect(latest).toMatchObject({ id: media.id, status: 'ready', width: 30, height: 40, probe: PROBE });
    expect((await call('/v1/media/latest/content')).status).toBe(200);
  });

  it('do not exist for anybody but their owner', async () => {
    const stranger = await gateway.register();
    const paths = ['', '/content', `/links`].map((rest) => `/v1/media/${media.id}${rest}`);
    expect((await call(paths[0]!, {}, stranger)).status).toBe(404);
    expect((await call(paths[1]!, {}, stranger)).status).toBe(404);
    expect((await call(paths[0]!, { method: 'DELETE' }, stranger)).status).toBe(404);
    const link = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"expiry_time":60}',
    };
    expect((await call(paths[2]!, link, stranger)).status).toBe(404);
    expect((await call(paths[0]!)).status).toBe(200);
  });

  it.each(['no-id', '..%2f..%2fetc', '00000000-0000-0000-0000-000000000000', "1' OR '1'='1"])(
    'are not found as %s',
    async (id) => {
      expect((await call(`/v1/media/${encodeURIComponent(id)}`)).status).toBe(404);
      expect((await call(`/v1/media/${encodeURIComponent(id)}`, { method: 'DELETE' })).status).toBe(404);
    },
  );
});
