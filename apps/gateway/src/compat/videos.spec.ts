import { readFile } from 'node:fs/promises';
import { deriveClip, makeClip, truncateClip } from '../../../../test/support/clips';
import {
  type RegisteredUser,
  TEST_PASSWORD,
  type TestGateway,
  startGateway,
} from '../../../../test/support/gateway';
import { photo } from '../../../../test/support/pictures';
import { type Video, VideoClient, bodyOf } from '../../../../test/support/video-client';
import { withVideoProcessor } from '../../../../test/support/with-video-processor';
import { VideoUploadsService } from './video-uploads.service';

let gateway: TestGateway;
let owner: RegisteredUser;
let client: VideoClient;
let clip: Buffer;

beforeAll(async () => {
  gateway = await startGateway(await withVideoProcessor('video', 'video.quick'));
  clip = await readFile(await makeClip({ seconds: 3, width: 160, height: 96, keyframeEvery: 15 }));
});
afterAll(() => gateway?.close());

beforeEach(async () => {
  owner = await gateway.register();
  client = VideoClient.with(gateway.url, owner.token);
});

const stranger = async (): Promise<VideoClient> =>
  VideoClient.with(gateway.url, (await gateway.register()).token);
const kept = async (): Promise<number> => {
  const [{ count }] = await gateway.database.query<[{ count: string }]>(
    'SELECT count(*) FROM media WHERE owner_id = $1',
    [owner.user.id],
  );
  return Number(count);
};

describe('upload', () => {
  it('answers what is in the video, and lists the newest first', async () => {
    const credentials = { username: owner.user.email, password: TEST_PASSWORD };
    client = await VideoClient.logIn(gateway.url, credentials, 'form');
    const first = await client.uploaded(clip, 'first.mp4');
    expect(first).toEqual({
      id: expect.any(String) as string,
      name: 'first.mp4',
      duration: expect.closeTo(3, 1) as number,
      size: clip.length,
      file: expect.stringMatching(/^http:.*\/content\?exp=.*&sig=/) as string,
      uploaded_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
    });
    const opened = await fetch(first.file);
    expect(opened.headers.get('content-type')).toBe('video/mp4');
    expect(Buffer.from(await opened.arrayBuffer()).equals(clip)).toBe(true);

    const second = await client.uploaded(clip, 'second.mp4');
    await (await stranger()).uploaded(clip, 'not-yours.mp4');
    expect((await client.list()).map(({ id }) => id)).toEqual([second.id, first.id]);
    expect(Object.keys((await client.list())[0]!)).toEqual(Object.keys(first));
  });

  it.each([
    ['max_size', { max_size: '1000' }, /max_size allows 1000/],
    ['min_duration', { min_duration: '4.5' }, /min_duration asks for 4.5 s/],
    ['max_duration', { max_duration: '2' }, /max_duration allows 2 s/],
    ['a wish that is no number', { max_size: 'large' }, /max_size must be a number from 0/],
    ['a negative wish', { max_duration: '-1' }, /max_duration must be a number from 0/],
  ])('refuses by %s, with a sentence, and keeps nothing', async (_what, wishes, sentence) => {
    const told = await client.upload(clip, 'clip.mp4', wishes);
    expect([told.status, told.body]).toEqual([
      400,
      { error: expect.stringMatching(sentence) as string, code: 'validation_failed' },
    ]);
    expect([await client.list(), await kept()]).toEqual([[], 0]);
  });

  it('takes what is within the wishes, also when they are left empty', async () => {
    const wishes = { max_size: String(clip.length), min_duration: '2.9', max_duration: '3.1' };
    expect((await client.upload(clip, 'clip.mp4', wishes)).status).toBe(201);
    const empty = { max_size: '', min_duration: '', max_duration: ' ' };
    expect((await client.upload(clip, 'clip.mp4', empty)).status).toBe(201);
  });

  it.each([
    ['a picture', () => photo(), 400, 'unsupported_media_type'],
    ['a text', () => Promise.resolve(Buffer.from('no video at all')), 400, 'unsupported_media_type'],
    [
      'a playlist',
      () => Promise.resolve(Buffer.from('ffconcat version 1.0\nfile ok.mp4')),
      400,
      'unsupported_container',
    ],
    ['an empty file', () => Promise.resolve(Buffer.alloc(0)), 400, 'empty_file'],
    [
      'half a video',
      async () => readFile(await truncateClip(await makeClip({ seconds: 3 }), 0.3)),
      400,
      'video_corrupt',
    ],
  ] as const)('refuses %s and keeps nothing', async (_what, bytes, status, code) => {
    const told = await client.upload(await bytes(), 'clip.mp4');
    expect([told.status, told.body]).toEqual([status, { error: expect.any(String) as string, code }]);
    expect([await client.list(), await kept()]).toEqual([[], 0]);
  });

  it('refuses sound without a picture, which only a look into the file can tell', async () => {
    const options = ['-i', await makeClip(), '-map', '0:a', '-c', 'copy'];
    const sound = await readFile(await deriveClip('sound-alone', 'mp4', options));
    const told = await client.upload(sound, 'sound.mp4');
    expect([told.status, told.body]).toMatchObject([400, { code: 'no_video_stream' }]);
    expect([await client.list(), await kept()]).toEqual([[], 0]);
  });

  it('does not make up what it had no time to look at', async () => {
    const uploads = gateway.app.get(VideoUploadsService, { strict: false });
    const wait = uploads.probeWaitMs;
    uploads.probeWaitMs = 0;
    try {
      const told = await client.upload(clip, 'clip.mp4', { max_duration: '60' });
      // Not with a busy server that looks faster than nobody waits.
      if (told.status !== 201)
        expect([told.status, told.body]).toMatchObject([503, { code: 'operation_unavailable' }]);
    } finally {
      uploads.probeWaitMs = wait;
    }
  });
});

describe('share', () => {
  let video: Video;
  beforeEach(async () => {
    video = await client.uploaded(clip, 'Łódź "1".mp4');
  });
  const move = (seconds: number): Promise<unknown> =>
    gateway.database.query(
      "UPDATE share_link SET expires_at = expires_at - $2 * interval '1 s' WHERE media_id = $1",
      [video.id, seconds],
    );
  const gone = async (link: string): Promise<void> => {
    const answer = await fetch(link);
    expect([answer.status, await answer.json()]).toEqual([
      404,
      { error: expect.any(String) as string, code: expect.any(String) as string },
    ]);
  };

  it('gives a link that opens without a login for a minute, whole or in ranges', async () => {
    const link = await client.share(video.id);
    expect(link).toMatch(/^http:\/\/[^/]+\/api\/videos\/serve\/\?token=[\w-]{43}$/);
    const whole = await fetch(link);
    expect([whole.status, whole.headers.get('content-type')]).toEqual([200, 'video/mp4']);
    expect(whole.headers.get('content-disposition')).toContain("filename*=UTF-8''%C5%81%C3%B3d%C5%BA");
    expect(Buffer.from(await whole.arrayBuffer()).equals(clip)).toBe(true);
    const part = await fetch(link.replace('serve/?', 'serve?'), { headers: { range: 'bytes=10-19' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 10-19/${clip.length}`]);
    expect(Buffer.from(await part.arrayBuffer()).equals(clip.subarray(10, 20))).toBe(true);
    const head = await fetch(link, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(clip.length)]);
    const beyond = await fetch(link, { headers: { range: `bytes=${clip.length}-` } });
    expect([beyond.status, await beyond.json()]).toMatchObject([416, { code: 'range_not_satisfiable' }]);

    await move(50);
    expect((await fetch(link, { method: 'HEAD' })).status).toBe(200);
    await move(10);
    await gone(link);
  });

  it('takes another time, as a number or a text, and refuses what is none', async () => {
    for (const expiry_time of [3600, '3600']) {
      const link = await client.share(video.id, { expiry_time });
      await move(3_590);
      expect((await fetch(link, { method: 'HEAD' })).status).toBe(200);
    }
    for (const expiry_time of [0, -5, 1.5, 'soon', 1e12]) {
      const told = await client.call(
        'POST',
        `/api/videos/${video.id}/share/`,
        bodyOf({ expiry_time }, 'json'),
      );
      expect([told.status, told.body]).toMatchObject([400, { code: 'validation_failed' }]);
    }
  });

  it('answers 404 to what is no link, one of something else, one that was revoked, and one without its video', async () => {
    const link = await client.share(video.id, { expiry_time: 600 });
    const last = link.at(-1)!;
    await gone(link.slice(0, -1) + (last === 'A' ? 'E' : 'A'));
    for (const more of ['x', 'x'.repeat(2_000)]) await gone(link + more);
    await gone(link.replace(/=.*/, '='));
    await gone(link.replace(/\?.*/, ''));
    await gone(`${link}&token=again`);

    const [{ id }] = (await client.call('GET', '/v1/links')).body.data as [{ id: string }];
    expect(
      (await fetch(`${gateway.url}/v1/links/${id}`, { method: 'DELETE', headers: owner.authorization }))
        .status,
    ).toBe(204);
    await gone(link);

    const second = await client.share(video.id, { expiry_time: 600 });
    await fetch(`${gateway.url}/v1/media/${video.id}`, { method: 'DELETE', headers: owner.authorization });
    await gone(second);
  });

  it('serves no picture, whose link has an address of its own', async () => {
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(await photo())]), 'photo.jpg');
    const picture = (await client.call('POST', '/v1/media', { body: form })).body as { id: string };
    await gateway.database.query("UPDATE media SET status = 'ready' WHERE id = $1", [picture.id]);
    const made = await client.call(
      'POST',
      `/v1/media/${picture.id}/links`,
      bodyOf({ expiry_time: 60 }, 'json'),
    );
    const { url } = made.body as { url: string };
    expect((await fetch(url)).status).toBe(200);
    await gone(`${gateway.url}/api/videos/serve/?token=${url.split('/').at(-1)}`);
    expect((await client.call('POST', `/api/videos/${picture.id}/share/`)).status).toBe(404);
  });
});

it('knows nothing of others, and nobody without a token, with and without a slash at the end', async () => {
  const { id } = await client.uploaded(clip, 'clip.mp4');
  const { task_id } = await client.trim(id, 0, 1);
  const other = await stranger();
  const asked: [string, string, object?][] = [
    ['POST', `/api/videos/${id}/trim`, { start_time: 0, end_time: 1 }],
    ['POST', `/api/videos/${id}/share`, {}],
    ['GET', `/api/videos/tasks/${task_id}/status`],
    ['GET', '/api/videos/tasks/nonsense/status'],
    ['POST', '/api/videos/nonsense/share', {}],
  ];
  for (const [method, path, fields] of asked)
    for (const slash of ['', '/']) {
      const body = fields && bodyOf(fields as Record<string, unknown>, 'json');
      const told = await other.call(method, path + slash, body);
      expect([path, told.status, told.body]).toEqual([
        path,
        404,
        { error: expect.any(String) as string, code: 'not_found' },
      ]);
      const nobody = await fetch(gateway.url + path + slash, { method, ...body });
      expect([nobody.status, await nobody.json()]).toMatchObject([401, { code: 'unauthenticated' }]);
    }
  const { body: newestFirst } = await client.call('GET', '/api/videos/list');
  expect((newestFirst as object[]).at(-1)).toMatchObject({ id });
  const wrongMethod = await client.call('DELETE', '/api/videos/list/');
  expect([wrongMethod.status, wrongMethod.body]).toMatchObject([405, { code: 'method_not_allowed' }]);
});
