import { createHash } from 'node:crypto';
import type { ImageProbe } from '@mediakiln/contracts';
import { ShareLink } from '@mediakiln/entities';
import { MediaStore } from '@mediakiln/media';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { fakeJpeg, fileForm, upload } from '../../../../test/support/multipart';
import type { LinkResponse } from '../present/link.response';
import type { MediaResponse } from '../present/media.response';

const JPEG = fakeJpeg();

let gateway: TestGateway;
let user: RegisteredUser;
let media: MediaResponse;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());
beforeEach(async () => {
  user = await gateway.register();
  media = await uploaded();
  await settle({ facts: { kind: 'image', width: 1, height: 1 } as ImageProbe });
});

async function uploaded(): Promise<MediaResponse> {
  const response = await upload(gateway, user.authorization, fileForm(JPEG, 'shared.jpg'));
  return (await response.json()) as MediaResponse;
}

async function settle(result: Parameters<MediaStore['settleProbe']>[1]['result']): Promise<void> {
  const settlement = { owner_id: user.user.id, media_id: media.id, result };
  await gateway.database.transaction((tx) => gateway.app.get(MediaStore).settleProbe(tx, settlement));
}

function ask(body: unknown, mediaId = media.id): Promise<Response> {
  return fetch(`${gateway.url}/v1/media/${mediaId}/links`, {
    method: 'POST',
    headers: { ...user.authorization, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function link(expirySeconds = 3600, mediaId = media.id): Promise<LinkResponse> {
  const response = await ask({ expiry_time: expirySeconds }, mediaId);
  expect(response.status).toBe(201);
  return (await response.json()) as LinkResponse;
}

function revoke(id: string, owner = user): Promise<Response> {
  return fetch(`${gateway.url}/v1/links/${id}`, { method: 'DELETE', headers: owner.authorization });
}

const answerOf = async (response: Response): Promise<[number, string]> => [
  response.status,
  ((await response.json()) as { code: string }).code,
];
const rowOf = (one: LinkResponse): Promise<ShareLink> =>
  gateway.database.manager.findOneByOrFail(ShareLink, { id: one.id });

describe('a link', () => {
  it('opens the file to anybody, until the time that it says', async () => {
    const asked = Date.now();
    const made = await link(60);
    expect(made).toMatchObject({ media_id: media.id, max_downloads: null, downloads: 0, revoked_at: null });
    expect(Math.abs(Date.parse(made.expires_at) - asked - 60_000)).toBeLessThan(5_000);

    const response = await fetch(made.url);
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer()).equals(JPEG)).toBe(true);
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    expect(response.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");
    expect(response.headers.get('content-disposition')).toContain('shared.jpg');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');

    const part = await fetch(made.url, { headers: { range: 'bytes=-5' } });
    expect(part.status).toBe(206);
    expect(Buffer.from(await part.arrayBuffer()).equals(JPEG.subarray(-5))).toBe(true);
  });

  it('counts downloads, and neither HEAD nor what the visitor has already', async () => {
    const made = await link();
    await (await fetch(made.url)).arrayBuffer();
    await (await fetch(made.url, { headers: { range: 'bytes=0-1' } })).arrayBuffer();
    const head = await fetch(made.url, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(JPEG.length)]);
    const known = await fetch(made.url, { headers: { 'if-none-match': `"${media.sha256}"` } });
    expect(known.status).toBe(304);
    expect((await rowOf(made)).downloads).toBe(2);
  });

  it('keeps only a hash of 32 random bytes', async () => {
    const made = await link();
    const token = made.url.split('/s/')[1]!;
    const bytes = Buffer.from(token, 'base64url');
    expect(bytes).toHaveLength(32);
    const row = await rowOf(made);
    expect(row.token_hash).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(JSON.stringify(row)).not.toContain(token);
    expect((await link()).url).not.toBe(made.url);
  });

  it('stops when its time is over', async () => {
    const made = await link(1);
    await new Promise((resolve) => setTimeout(resolve, Date.parse(made.expires_at) - Date.now() + 50));
    expect(await answerOf(await fetch(made.url))).toEqual([410, 'link_expired']);
    expect((await fetch(made.url, { method: 'HEAD' })).status).toBe(410);
  });

  it('stops when it is revoked, also for who has it in a cache, and stays so', async () => {
    const made = await link();
    expect((await revoke(made.id)).status).toBe(204);
    expect(await answerOf(await fetch(made.url))).toEqual([410, 'link_revoked']);
    const cached = await fetch(made.url, { headers: { 'if-none-match': `"${media.sha256}"` } });
    expect(cached.status).toBe(410);
    const revokedAt = (await rowOf(made)).revoked_at;
    expect((await revoke(made.id)).status).toBe(204);
    expect((await rowOf(made)).revoked_at).toEqual(revokedAt);
  });

  it('dies with its media', async () => {
    const made = await link();
    await fetch(`${gateway.url}/v1/media/${media.id}`, { method: 'DELETE', headers: user.authorization });
    expect(await answerOf(await fetch(made.url))).toEqual([404, 'not_found']);
  });

  it('does not open under any other token', async () => {
    const token = (await link()).url.split('/s/')[1]!;
    const lastLetter = token.at(-1)!;
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    // The last letter has two bits to spare: this is another spelling of the same bytes.
    const twin = alphabet[alphabet.indexOf(lastLetter) ^ 1]!;
    for (const other of [
      token.slice(0, -1) + twin,
      (token.startsWith('A') ? 'B' : 'A') + token.slice(1),
      token.slice(0, -1),
      `${token}A`,
      'x',
      encodeURIComponent(`${token}=`),
    ])
      expect([other, ...(await answerOf(await fetch(`${gateway.url}/s/${other}`)))]).toEqual([
        other,
        404,
        'not_found',
      ]);
  });

  it('can be revoked by nobody else', async () => {
    const made = await link();
    expect((await revoke(made.id, await gateway.register())).status).toBe(404);
    expect((await revoke('no-id')).status).toBe(404);
    expect((await fetch(made.url)).status).toBe(200);
    expect((await revoke('latest')).status).toBe(204);
    expect((await fetch(made.url)).status).toBe(410);
  });
});

describe('asking for a link', () => {
  it.each([0, -1, 1.5, 315_360_001, '60', null])(
    'is refused for an expiry_time of %j',
    async (expiry_time) => {
      const response = await ask({ expiry_time });
      expect(response.status).toBe(422);
      expect(await response.json()).toMatchObject({
        code: 'validation_failed',
        errors: expect.arrayContaining([expect.objectContaining({ pointer: '/expiry_time' })]) as unknown,
      });
    },
  );

  it('is refused with fields that nobody knows', async () => {
    expect(await answerOf(await ask({ expiry_time: 60, owner_id: 'me' }))).toEqual([
      422,
      'validation_failed',
    ]);
  });

  it('may last ten years, and be for `latest`', async () => {
    const made = await link(315_360_000, 'latest');
    expect(made.media_id).toBe(media.id);
    expect((await fetch(made.url)).status).toBe(200);
  });

  it('is refused for a media that is not ready, failed or not there', async () => {
    media = await uploaded();
    expect(await answerOf(await ask({ expiry_time: 60 }))).toEqual([409, 'media_not_ready']);
    await settle({ error_code: 'image_truncated', error_detail: 'The image ends too early' });
    expect(await answerOf(await ask({ expiry_time: 60 }))).toEqual([422, 'media_failed']);
    expect(await answerOf(await ask({ expiry_time: 60 }, 'no-id'))).toEqual([404, 'not_found']);
  });
});
