import { readFile } from 'node:fs/promises';
import { makeClip } from '../../../../test/support/clips';
import { type RegisteredUser, type TestGateway, startGateway } from '../../../../test/support/gateway';
import { type Video, VideoClient, bodyOf } from '../../../../test/support/video-client';
import { withVideoProcessor } from '../../../../test/support/with-video-processor';

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
const cancel = (id: string): Promise<Response> =>
  fetch(`${gateway.url}/v1/jobs/${id}/cancel`, { method: 'POST', headers: owner.authorization });

describe('trim', () => {
  it.each([
    ['numbers as JSON', 0.5, 1.5, 'json'],
    ['texts in a form', '00:00:00.5', '0:01.5', 'form'],
  ] as const)('cuts by %s and tells of it in words that are known', async (_how, start, end, as) => {
    const { id } = await client.uploaded(clip, 'clip.mp4');
    const { task_id, message } = await client.trim(id, start, end, as);
    expect(message).toEqual(expect.any(String));
    const { last, seen } = await client.finished(task_id);
    expect(['PENDING', 'STARTED', 'PROGRESS', 'SUCCESS']).toEqual(
      expect.arrayContaining(seen.map(({ status }: { status: string }) => status)),
    );
    const result = {
      id: expect.any(String) as string,
      name: expect.stringMatching(/\.mp4$/) as string,
      duration: expect.closeTo(1, 1) as number,
      size: expect.any(Number) as number,
      file: expect.stringMatching(/^http/) as string,
      uploaded_at: expect.any(String) as string,
    };
    expect(last).toEqual({ task_id, status: 'SUCCESS', result, video: result });
    const { file, size, id: made } = (last as { result: Video }).result;
    expect((await (await fetch(file)).arrayBuffer()).byteLength).toBe(size);
    expect((await client.list()).map((video) => video.id)).toEqual([made, id]);

    await fetch(`${gateway.url}/v1/media/${made}`, { method: 'DELETE', headers: owner.authorization });
    expect(await client.task(task_id)).toMatchObject({ status: 'SUCCESS', result: null });
  });

  it('says FAILURE of a task that was canceled, and why', async () => {
    const { id } = await client.uploaded(clip, 'clip.mp4');
    const run_at = new Date(Date.now() + 3_600_000).toISOString();
    const json = {
      operation: 'video.trim',
      inputs: [{ media_id: id }],
      params: { start_time: 0, end_time: 1 },
      run_at,
    };
    const job = await client.call('POST', '/v1/jobs', bodyOf(json, 'json'));
    const task_id = (job.body as { id: string }).id;
    expect(await client.task(task_id)).toEqual({ task_id, status: 'PENDING' });
    await cancel(task_id);
    expect(await client.task(task_id)).toEqual({
      task_id,
      status: 'FAILURE',
      error: expect.stringContaining('canceled') as string,
      code: expect.any(String) as string,
    });
  });

  it('refuses what is no cut before anything is queued', async () => {
    const { id } = await client.uploaded(clip, 'clip.mp4');
    const wrong: [Record<string, unknown>, RegExp][] = [
      [{ start_time: 2, end_time: 1 }, /before end_time/],
      [{ start_time: 30, end_time: 31 }, /before the end of the video/],
      [{ start_time: 'soon', end_time: 1 }, /start_time must be seconds/],
      [{ start_time: '-1', end_time: 1 }, /start_time/],
      [{ start_time: 1 }, /end_time/],
    ];
    for (const [times, sentence] of wrong)
      for (const as of ['json', 'form', 'multipart'] as const) {
        const told = await client.call('POST', `/api/videos/${id}/trim/`, bodyOf(times, as));
        expect([told.status, told.body]).toEqual([
          400,
          { error: expect.stringMatching(sentence) as string, code: expect.any(String) as string },
        ]);
      }
    expect((await client.call('GET', '/v1/jobs')).body).toMatchObject({ data: [] });
  });
});

describe('merge', () => {
  it('puts videos together in their order, one of them twice, and counts them', async () => {
    const [first, second] = [await client.uploaded(clip, 'a.mp4'), await client.uploaded(clip, 'b.mp4')];
    const { task_id } = await client.merge([second.id, first.id, second.id]);
    const { last, seen } = await client.finished(task_id);
    for (const { current, total } of seen as { current: number; total: number }[])
      expect([total, current >= 0 && current <= 3]).toEqual([3, true]);
    expect(last).toMatchObject({
      status: 'SUCCESS',
      current: 3,
      total: 3,
      result: { duration: expect.closeTo(9, 0) as number },
    });
  });

  it('takes a form that repeats the field, one with commas, and a multipart one', async () => {
    const { id } = await client.uploaded(clip, 'a.mp4');
    for (const body of [
      bodyOf({ video_ids: [id, id] }, 'form'),
      bodyOf({ video_ids: `${id}, ${id}` }, 'form'),
      bodyOf({ video_ids: [id, id] }, 'multipart'),
    ]) {
      const told = await client.call('POST', '/api/videos/merge/', body);
      expect([told.status, told.body]).toEqual([
        202,
        { task_id: expect.any(String) as string, message: expect.any(String) as string },
      ]);
      await cancel((told.body as { task_id: string }).task_id);
    }
  });

  it('names the video that is missing or somebody else’s', async () => {
    const { id } = await client.uploaded(clip, 'a.mp4');
    const { id: theirs } = await (await stranger()).uploaded(clip, 'theirs.mp4');
    for (const missing of [theirs, '01890000-0000-7000-8000-000000000000', '17', '../1']) {
      const told = await client.call(
        'POST',
        '/api/videos/merge/',
        bodyOf({ video_ids: [id, missing] }, 'json'),
      );
      expect([told.status, told.body]).toEqual([
        404,
        { error: expect.stringContaining(missing) as string, code: 'not_found' },
      ]);
    }
  });

  it('refuses what is no list of 2 to 100', async () => {
    for (const video_ids of [[], ['one'], Array(101).fill('x'), 'one', 7, [7, 8], undefined]) {
      const told = await client.call('POST', '/api/videos/merge/', bodyOf({ video_ids }, 'json'));
      expect([told.status, told.body]).toEqual([
        400,
        { error: expect.stringContaining('video_ids') as string, code: 'validation_failed' },
      ]);
    }
  });
});
