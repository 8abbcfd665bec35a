import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { fakeJpeg, fileForm, upload } from '../../../../test/support/multipart';
import { photo } from '../../../../test/support/pictures';
import { WITH_IMAGE_PROCESSOR } from '../../../../test/support/with-image-processor';
import type { MediaResponse } from '../present/media.response';

let gateway: TestGateway;
let user: RegisteredUser;

beforeAll(async () => {
  gateway = await startGateway(WITH_IMAGE_PROCESSOR);
  user = await gateway.register();
});
afterAll(() => gateway.close());

const send = (content: Buffer, wait: string): Promise<Response> =>
  upload(gateway, user.authorization, fileForm(content, 'photo.jpg'), `?wait=${wait}`);

async function listed(): Promise<MediaResponse[]> {
  const response = await fetch(`${gateway.url}/v1/media`, { headers: user.authorization });
  return ((await response.json()) as { data: MediaResponse[] }).data;
}

describe('an upload that waits for its probe', () => {
  it('answers with what was found', async () => {
    const response = await send(await photo({ width: 320, height: 240, orientation: 6 }), '30');
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({
      status: 'ready',
      kind: 'image',
      width: 320,
      height: 240,
      probe: { format: 'jpeg', orientation: 6, stored_width: 240, stored_height: 320 },
      error: null,
    });
  });

  it('is refused with the reason when the picture is bad, and nothing of it stays', async () => {
    const whole = await photo();
    const before = (await listed()).length;
    const response = await send(whole.subarray(0, whole.length / 2), '30');
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ code: 'image_truncated', status: 422 });
    expect(await listed()).toHaveLength(before);
  });

  it('may be repeated with its Idempotency-Key when it was refused', async () => {
    const whole = await photo();
    const bad = fileForm(whole.subarray(0, whole.length / 2), 'photo.jpg');
    const headers = { ...user.authorization, 'idempotency-key': 'again' };
    for (const content of [bad, bad]) {
      const response = await upload(gateway, headers, content, '?wait=30');
      expect(await response.json()).toMatchObject({ code: 'image_truncated', status: 422 });
    }
    const good = await upload(gateway, headers, fileForm(whole, 'photo.jpg'), '?wait=30');
    expect([good.status, good.headers.has('idempotent-replayed')]).toEqual([201, false]);
  });

  it('is `failed` with the reason when nobody waited', async () => {
    const { id, job_id } = (await (await send(fakeJpeg(), '0')).json()) as MediaResponse;
    await fetch(`${gateway.url}/v1/jobs/${job_id}?wait=30`, { headers: user.authorization });
    const media = await fetch(`${gateway.url}/v1/media/${id}`, { headers: user.authorization });
    expect(await media.json()).toMatchObject({
      status: 'failed',
      error: { code: expect.stringMatching(/^image_(corrupt|truncated)$/) as unknown },
    });
  });

  it.each(['61', '-1', 'long'])('may not wait %s seconds', async (wait) => {
    const response = await send(fakeJpeg(), wait);
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ code: 'validation_failed' });
  });
});
