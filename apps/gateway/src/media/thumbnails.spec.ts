import { Job, Media } from '@mediakiln/entities';
import { ObjectSweep } from '@mediakiln/media';
import sharp from 'sharp';
import { JsonContains } from 'typeorm';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { fakeJpeg, fileForm, filesOnDisk, untilDiskHolds, upload } from '../../../../test/support/multipart';
import { animation, photo } from '../../../../test/support/pictures';
import { WITH_IMAGE_PROCESSOR } from '../../../../test/support/with-image-processor';
import type { JobResponse } from '../present/job.response';
import type { MediaResponse } from '../present/media.response';

let gateway: TestGateway;
let user: RegisteredUser;

beforeAll(async () => {
  gateway = await startGateway(WITH_IMAGE_PROCESSOR);
});
afterAll(() => gateway.close());
beforeEach(async () => {
  user = await gateway.register();
});

async function uploaded(content: Buffer, wait = 30, name = 'a photo.jpg'): Promise<MediaResponse> {
  const response = await upload(gateway, user.authorization, fileForm(content, name), `?wait=${wait}`);
  expect(response.status).toBe(201);
  return (await response.json()) as MediaResponse;
}

function call(path: string, init: RequestInit = {}, owner = user): Promise<Response> {
  return fetch(gateway.url + path, {
    ...init,
    headers: { ...owner.authorization, ...(init.headers as Record<string, string>) },
  });
}
const thumbnail = (id: string, init: RequestInit = {}, owner = user): Promise<Response> =>
  call(`/v1/media/${id}/thumbnail`, init, owner);
const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());
const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { code: string }).code;
const jobsOf = (id: string): Promise<Job[]> =>
  gateway.database.manager.findBy(Job, { purpose: 'thumbnail', inputs: JsonContains([{ media_id: id }]) });
const rowsOf = (id: string): Promise<Media[]> => gateway.database.manager.findBy(Media, { thumbnail_of: id });

describe('the thumbnail of an image', () => {
  it('is a small upright picture, made when it is first asked for', async () => {
    const media = await uploaded(await photo({ width: 640, height: 480, orientation: 6 }));
    const first = await thumbnail(media.id);
    expect(first.status).toBe(200);
    const bytes = await bytesOf(first);
    const { format, width, height } = await sharp(bytes).metadata();
    expect({ format, width, height }).toEqual({ format: 'webp', width: 320, height: 240 });
    expect(media).toMatchObject({ width: 640, height: 480 });
    const [row] = await rowsOf(media.id);
    expect(Object.fromEntries(first.headers)).toMatchObject({
      'content-type': 'image/webp',
      'content-length': String(bytes.length),
      'cache-control': 'private, max-age=86400',
      etag: `"${row!.sha256}"`,
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'content-disposition': expect.stringMatching(/^inline; filename="a photo-thumbnail\.webp"/) as unknown,
    });
    expect((await bytesOf(await thumbnail(media.id))).equals(bytes)).toBe(true);
    expect(await jobsOf(media.id)).toMatchObject([{ priority: 100, operation: 'image.thumbnail' }]);
  });

  it('is made once, however many ask at once', async () => {
    const media = await uploaded(await photo({ seed: 2 }));
    const answers = await Promise.all(Array.from({ length: 30 }, () => thumbnail(media.id)));
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200));
    const tags = answers.map((answer) => answer.headers.get('etag'));
    expect(new Set(tags).size).toBe(1);
    expect([await jobsOf(media.id), await rowsOf(media.id)].map((rows) => rows.length)).toEqual([1, 1]);
  });

  it('waits for a media that is still being probed', async () => {
    const media = await uploaded(await photo({ seed: 3 }), 0);
    expect(media.thumbnail_url).not.toBeNull();
    expect((await fetch(media.thumbnail_url!)).status).toBe(200);
  });

  it('is the first frame of an animation', async () => {
    const media = await uploaded(await animation('gif', 4));
    const bytes = await bytesOf(await thumbnail(media.id));
    const { width, height, pages = 1 } = await sharp(bytes).metadata();
    expect({ width, height, pages }).toEqual({ width: 24, height: 16, pages: 1 });
  });

  it('answers HEAD, ranges and conditions', async () => {
    const media = await uploaded(await photo({ seed: 4 }));
    const head = await thumbnail(media.id, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'image/webp']);
    expect(await bytesOf(head)).toHaveLength(0);
    const length = Number(head.headers.get('content-length'));
    const part = await thumbnail(media.id, { headers: { range: 'bytes=0-9' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 0-9/${length}`]);
    expect((await bytesOf(part)).subarray(0, 4).toString()).toBe('RIFF');
    expect((await thumbnail(media.id, { headers: { range: `bytes=${length}-` } })).status).toBe(416);
    const known = await thumbnail(media.id, { headers: { 'if-none-match': head.headers.get('etag')! } });
    expect([known.status, known.headers.get('cache-control')]).toEqual([304, 'private, max-age=86400']);
  });

  it('opens with the signature of its own address, and with no other', async () => {
    const media = await uploaded(await photo({ seed: 5 }));
    const other = await uploaded(await photo({ seed: 6 }));
    expect((await fetch(media.thumbnail_url!)).status).toBe(200);
    const { search } = new URL(media.thumbnail_url!);
    for (const url of [
      `${gateway.url}/v1/media/${media.id}/thumbnail${new URL(media.content_url!).search}`,
      `${gateway.url}/v1/media/${other.id}/thumbnail${search}`,
      `${gateway.url}/v1/media/${media.id}/content${search}`,
    ]) {
      const refused = await fetch(url);
      expect([url, refused.status, await codeOf(refused)]).toEqual([url, 403, 'invalid_signature']);
    }
    expect((await fetch(`${gateway.url}/v1/media/${media.id}/thumbnail`)).status).toBe(401);
    expect((await thumbnail(media.id, {}, await gateway.register())).status).toBe(404);
    expect((await thumbnail('latest')).status).toBe(200);
    expect(await jobsOf(other.id)).toHaveLength(1);
  });

  it('is nowhere to be found by itself', async () => {
    const media = await uploaded(await photo({ seed: 7 }));
    await thumbnail(media.id);
    const [row] = await rowsOf(media.id);
    const list = (await (await call('/v1/media?order=oldest')).json()) as { data: MediaResponse[] };
    expect(list.data.map((one) => one.id)).toEqual([media.id]);
    expect(await (await call('/v1/media/latest')).json()).toMatchObject({ id: media.id });
    const job = (await (await call(`/v1/jobs/${row!.job_id}`)).json()) as JobResponse;
    expect(job).toMatchObject({ status: 'completed', outputs: [] });
    const json = { 'content-type': 'application/json' };
    for (const [method, path, body] of [
      ['GET', `/v1/media/${row!.id}`],
      ['GET', `/v1/media/${row!.id}/content`],
      ['GET', `/v1/media/${row!.id}/thumbnail`],
      ['DELETE', `/v1/media/${row!.id}`],
      ['PATCH', `/v1/media/${row!.id}`, { name: 'x' }],
      ['POST', `/v1/media/${row!.id}/links`, { expiry_time: 60 }],
      ['POST', '/v1/jobs', { operation: 'image.compress', inputs: [{ media_id: row!.id }] }],
    ] as const) {
      const answer = await call(path, { method, ...(body && { headers: json, body: JSON.stringify(body) }) });
      expect([method, path, answer.status]).toEqual([method, path, 404]);
    }
    expect(await rowsOf(media.id)).toHaveLength(1);
  });

  it('goes with its media, and its bytes with the next sweep', async () => {
    const before = (await filesOnDisk(gateway)).length;
    const media = await uploaded(await photo({ seed: 8 }));
    expect((await thumbnail(media.id)).status).toBe(200);
    // The worker tidies up behind the answer.
    expect(await untilDiskHolds(gateway, before + 2)).toHaveLength(before + 2);
    expect((await call(`/v1/media/${media.id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await rowsOf(media.id)).toEqual([]);
    await gateway.database.transaction((tx) => gateway.app.get(ObjectSweep).sweep(tx));
    expect(await untilDiskHolds(gateway, before)).toHaveLength(before);
    expect((await fetch(media.thumbnail_url!)).status).toBe(404);
  });

  it('can be had of an output', async () => {
    const media = await uploaded(await photo({ seed: 9 }));
    const response = await call('/v1/jobs', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ operation: 'image.compress', inputs: [{ media_id: media.id }] }),
    });
    const { id } = (await response.json()) as JobResponse;
    const job = (await (await call(`/v1/jobs/${id}?wait=30`)).json()) as JobResponse;
    expect((await fetch(job.outputs[0]!.thumbnail_url!)).status).toBe(200);
  });
});

describe('there is no thumbnail', () => {
  it('of a picture that could not be read', async () => {
    const broken = await uploaded(fakeJpeg(), 0);
    const early = await thumbnail(broken.id);
    expect([early.status, await codeOf(early)]).toEqual([404, 'no_thumbnail']);
    const media = (await (await call(`/v1/media/${broken.id}?wait=30`)).json()) as MediaResponse;
    expect(media).toMatchObject({ status: 'failed', thumbnail_url: null });
    const late = await fetch(broken.thumbnail_url!);
    expect(await late.json()).toMatchObject({
      code: 'no_thumbnail',
      detail: expect.stringContaining('could not be read') as unknown,
    });
  });

  it('of sound', async () => {
    const media = await uploaded(await photo({ seed: 10 }));
    await gateway.database.manager.update(Media, { id: media.id }, { kind: 'audio' });
    expect(await (await call(`/v1/media/${media.id}`)).json()).toMatchObject({ thumbnail_url: null });
    const answer = await thumbnail(media.id);
    expect(await answer.json()).toMatchObject({
      status: 404,
      code: 'no_thumbnail',
      detail: 'A media of kind audio has no picture',
    });
  });
});

describe('a media', () => {
  it('can be waited for until it is probed', async () => {
    const { id, status } = await uploaded(await photo({ seed: 11 }), 0);
    expect(status).toBe('processing');
    expect(await (await call(`/v1/media/${id}?wait=30`)).json()).toMatchObject({ status: 'ready' });
    for (const wait of ['61', '-1', 'x'])
      expect((await call(`/v1/media/${id}?wait=${wait}`)).status).toBe(422);
  });
});
