import { setTimeout as sleep } from 'node:timers/promises';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { animation, cutOff, photo } from '../../../../test/support/pictures';
import { until } from '../../../../test/support/until';
import { withProcessors } from '../../../../test/support/with-processors';
import { ImageToVideoService } from './image-to-video.service';

interface Item {
  id: string;
  image: string;
  video: string | null;
  status: string;
}

/** That system has two addresses for the same. */
const ROUTES = {
  media: { upload: '/api/media/', status: (id: string) => `/api/media/${id}/status/` },
  upload: { upload: '/api/upload/', status: (id: string) => `/api/status/${id}/` },
};

/** What the front end of that system does, by its documentation: upload, poll, list; and a token, which is new. */
class FrontEnd {
  constructor(
    private readonly host: string,
    private readonly token: string,
    private readonly routes = ROUTES.media,
  ) {}

  async upload(
    image: Buffer,
    field: 'file' | 'image',
    fields: Record<string, string> = {},
  ): Promise<Response> {
    const form = new FormData();
    form.append(field, new Blob([new Uint8Array(image)], { type: 'image/jpeg' }), 'photo.jpg');
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    return this.fetch(this.routes.upload, { method: 'POST', body: form });
  }

  async uploaded(...given: Parameters<FrontEnd['upload']>): Promise<Item> {
    const answer = await this.upload(...given);
    expect(answer.status).toBe(201);
    return (await answer.json()) as Item;
  }

  async status(id: string): Promise<Item> {
    return (await (await this.fetch(this.routes.status(id))).json()) as Item;
  }

  async list(): Promise<Item[]> {
    return (await (await this.fetch('/api/media/')).json()) as Item[];
  }

  /** Every status that was seen on the way, once. */
  async poll(id: string, last: string): Promise<string[]> {
    const seen: string[] = [];
    await until(
      `the status ${last}`,
      async () => {
        const { status } = await this.status(id);
        if (seen.at(-1) !== status) seen.push(status);
        return status === last;
      },
      50_000,
    );
    return seen;
  }

  fetch(path: string, options: RequestInit = {}): Promise<Response> {
    return fetch(this.host + path, { ...options, headers: { Authorization: `Token ${this.token}` } });
  }
}

let gateway: TestGateway;
let owner: RegisteredUser;
let frontEnd: FrontEnd;
let picture: Buffer;

beforeAll(async () => {
  gateway = await startGateway(await withProcessors());
  // A busy machine looks into a picture for longer than a second.
  gateway.app.get(ImageToVideoService, { strict: false }).probeWaitMs = 30_000;
  picture = await photo();
});
afterAll(() => gateway?.close());

beforeEach(async () => {
  owner = await gateway.register();
  frontEnd = new FrontEnd(gateway.url, owner.token);
});

/** As if so much of the delay were over. */
const moveStart = (mediaId: string, start: string): Promise<unknown> =>
  gateway.database.query(
    `UPDATE job SET run_at = now() + $2::interval WHERE operation = 'video.from_image' AND inputs->0->>'media_id' = $1`,
    [mediaId, start],
  );

async function videoJob(
  mediaId: string,
): Promise<{ id: string; status: string; run_at: Date; created_at: Date }> {
  const [job] = await gateway.database.query<
    [{ id: string; status: string; run_at: Date; created_at: Date }]
  >(`SELECT * FROM job WHERE operation = 'video.from_image' AND inputs->0->>'media_id' = $1`, [mediaId]);
  return job;
}

it.each([
  ['/api/media/', ROUTES.media],
  ['/api/upload/', ROUTES.upload],
])(
  'makes a video of an image when the delay is over, with a status at each step (%s)',
  async (_at, routes) => {
    frontEnd = new FrontEnd(gateway.url, owner.token, routes);
    const item = await frontEnd.uploaded(picture, 'image');
    expect(item).toEqual({
      id: expect.any(String) as string,
      image: expect.stringMatching(/^http:.*\/content\?exp=.*&sig=/) as string,
      video: null,
      status: 'uploaded',
    });
    expect(await frontEnd.status(item.id)).toEqual(item);
    const { run_at, created_at } = await videoJob(item.id);
    expect(run_at.getTime() - created_at.getTime()).toBe(30_000);
    await moveStart(item.id, '0');
    const seen = await frontEnd.poll(item.id, 'completed');
    expect(seen.filter((status) => status !== 'uploaded')).toEqual(['processing', 'completed']);

    const { image, video } = await frontEnd.status(item.id);
    const [shownImage, shownVideo] = await Promise.all([fetch(image), fetch(video!)]);
    expect(Buffer.from(await shownImage.arrayBuffer()).equals(picture)).toBe(true);
    expect([shownVideo.status, shownVideo.headers.get('content-type')]).toEqual([200, 'video/mp4']);
  },
);

it('takes a delay of its own, in either field, and no other nonsense', async () => {
  const item = await frontEnd.uploaded(picture, 'file', { delay_seconds: '0.2' });
  await frontEnd.poll(item.id, 'completed');
  for (const delay_seconds of ['-1', 'soon', '1e9', '9999999']) {
    const answer = await frontEnd.upload(picture, 'file', { delay_seconds });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { error: expect.stringContaining('from 0 to 2592000') as string, code: 'validation_failed' },
    ]);
  }
  const empty = await frontEnd.uploaded(picture, 'file', { delay_seconds: '' });
  expect((await frontEnd.status(empty.id)).status).toBe('uploaded');
});

it('never makes a video of an image whose job was canceled at 29 of 30 seconds', async () => {
  const { id } = await frontEnd.uploaded(picture, 'file');
  await moveStart(id, '1 second');
  const job = await videoJob(id);
  const { authorization } = owner;
  const canceled = await fetch(`${gateway.url}/v1/jobs/${job.id}/cancel`, {
    method: 'POST',
    headers: authorization,
  });
  expect(canceled.status).toBe(200);
  expect(await frontEnd.status(id)).toMatchObject({ status: 'canceled', video: null });
  // Past its start and several rounds of the sweeper.
  await sleep(2_000);
  expect((await videoJob(id)).status).toBe('canceled');
  expect(await frontEnd.status(id)).toMatchObject({ status: 'canceled', video: null });
});

it('lists all images of the caller with their videos, the newest first, in one query', async () => {
  const first = await frontEnd.uploaded(picture, 'file', { delay_seconds: '0' });
  const second = await frontEnd.uploaded(await photo({ seed: 2 }), 'file');
  await frontEnd.poll(first.id, 'completed');
  const stranger = await gateway.register();
  await new FrontEnd(gateway.url, stranger.token).uploaded(picture, 'file');
  const list = await frontEnd.list();
  expect(list.map(({ id, status }) => [id, status])).toEqual([
    [second.id, 'uploaded'],
    [first.id, 'completed'],
  ]);
  expect([list[0]!.video, typeof list[1]!.video]).toEqual([null, 'string']);
});

it('says failed of what cannot become a video', async () => {
  const { id } = await frontEnd.uploaded(await animation('webp', 3), 'file', { delay_seconds: '0' });
  await frontEnd.poll(id, 'failed');
});

it.each([
  ['a text', () => Promise.resolve(Buffer.from('no picture at all')), 'unsupported_media_type'],
  ['half a picture', async () => cutOff(picture), 'image_truncated'],
  ['an empty file', () => Promise.resolve(Buffer.alloc(0)), 'empty_file'],
  ['a video', () => Promise.resolve(Buffer.from('\0\0\0\x14ftypisom\0\0\0\0isom')), 'unsupported_media_type'],
])('refuses %s in the words of that system', async (_what, bytes, code) => {
  const answer = await frontEnd.upload(await bytes(), 'file');
  expect([answer.status, await answer.json()]).toEqual([400, { error: expect.any(String) as string, code }]);
  expect(await frontEnd.list()).toEqual([]);
});

it('knows no images of others, and nobody without a token', async () => {
  const { id } = await frontEnd.uploaded(picture, 'file');
  const stranger = new FrontEnd(gateway.url, (await gateway.register()).token);
  for (const path of [`/api/media/${id}/status/`, `/api/media/${id}/status`, '/api/media/nonsense/status/']) {
    const answer = await stranger.fetch(path);
    expect([answer.status, await answer.json()]).toEqual([
      404,
      { error: 'There is no image with this id', code: 'not_found' },
    ]);
  }
  const anonymous = await fetch(`${gateway.url}/api/media/`);
  expect([anonymous.status, await anonymous.json()]).toMatchObject([401, { code: 'unauthenticated' }]);
  expect((await frontEnd.fetch(`/api/media/${id}/status`)).status).toBe(200);
});
