import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { type Media, send } from '../support/client';
import { frameNumbers, makeClip } from '../support/clips';
import { photo } from '../support/pictures';
import { type Scenario, expectProblem } from './scenario';

export const MEDIA_SCENARIOS: Scenario[] = [
  {
    name: 'compresses a photo: smaller, upright, readable, with its parent and its trail',
    async run({ client }) {
      const original = await photo({ width: 640, height: 480, orientation: 6 });
      const media = (await client.upload(original, 'holiday.jpg', '?wait=20')) satisfies Media;
      expect(media).toMatchObject({ status: 'ready', kind: 'image', mime_type: 'image/jpeg' });
      expect(media).toMatchObject({ name: 'holiday.jpg', bytes: original.length });
      expect(media.sha256).toBe(createHash('sha256').update(original).digest('hex'));
      const job = await client.run({
        operation: 'image.compress',
        inputs: [{ media_id: media.id }],
        params: { quality: 40 },
      });
      expect(job).toMatchObject({
        status: 'completed',
        attempts: 1,
        error: null,
        progress: { percent: 100 },
      });
      expect(job.outputs).toHaveLength(1);
      const output = job.outputs[0]!;
      expect(output).toMatchObject({ status: 'ready', kind: 'image', parent_ids: [media.id] });
      expect(output).toMatchObject({ width: media.width, height: media.height });
      const bytes = await client.download(output);
      expect(bytes.length).toBeLessThan(original.length * 0.8);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(output.sha256);
      const { info } = await sharp(bytes).autoOrient().raw().toBuffer({ resolveWithObject: true });
      expect([info.width, info.height]).toEqual([media.width, media.height]);
      expect(job.events.map(({ status, reason }) => `${status} ${reason}`)).toEqual([
        'pending created',
        'processing claimed',
        'completed done',
      ]);
    },
  },
  {
    name: 'trims a clip to exactly the frames that were asked for',
    async run({ client, system }) {
      const original = await readFile(
        await makeClip({ seconds: 2, width: 160, height: 96, keyframeEvery: 20 }),
      );
      const media = await client.upload(original, 'clip.mp4', '?wait=30');
      expect(media).toMatchObject({ status: 'ready', kind: 'video', width: 160, height: 96 });
      expect(media.duration_seconds).toBeCloseTo(2, 1);
      const job = await client.run({
        operation: 'video.trim',
        inputs: [{ media_id: media.id }],
        params: { start_time: 0.5, end_time: '00:00:01.500' },
      });
      expect(job).toMatchObject({ status: 'completed', attempts: 1 });
      expect(job.outputs[0]).toMatchObject({ kind: 'video', mime_type: 'video/mp4', parent_ids: [media.id] });
      expect(job.outputs[0]!.duration_seconds).toBeCloseTo(1, 1);
      const file = join(system.dataDir, 'trimmed.mp4');
      await writeFile(file, await client.download(job.outputs[0]!));
      expect(await frameNumbers(file)).toEqual(Array.from({ length: 30 }, (_, frame) => frame + 15));
    },
  },
  {
    name: 'takes a job on media that is still being probed',
    async run({ client }) {
      const media = await client.upload(await photo({ seed: 3 }), 'fresh.jpg');
      const job = await client.run({ operation: 'image.compress', inputs: [{ media_id: media.id }] });
      expect(job).toMatchObject({ status: 'completed', error: null });
    },
  },
  {
    name: 'keeps equal bytes of one owner once, and each media has its own life',
    async run({ client, system }) {
      const bytes = await photo({ seed: 4 });
      const first = await client.uploadReady(bytes, 'one.jpg');
      const second = await client.uploadReady(bytes, 'two.jpg');
      const [row] = await system.database.query<{ count: number }[]>(
        'SELECT count(*)::int FROM object WHERE owner_id = $1',
        [client.userId],
      );
      expect(row).toEqual({ count: 1 });
      await client.expect(204, 'DELETE', `/v1/media/${first.id}`);
      client.uploads.splice(0, 1);
      expect(await client.download(second)).toEqual(bytes);
    },
  },
  {
    name: 'opens a signed address without a login: ranges, ETag, HEAD, and nothing when it was tampered with',
    async run({ client }) {
      const bytes = await photo({ seed: 5 });
      const { content_url: url } = await client.uploadReady(bytes, 'signed.jpg');
      const whole = await send(url, 'GET');
      expect(whole.status).toBe(200);
      expect(whole.bytes).toEqual(bytes);
      expect(whole.headers.get('content-type')).toBe('image/jpeg');
      expect(whole.headers.get('x-content-type-options')).toBe('nosniff');
      const etag = whole.headers.get('etag')!;

      const part = await send(url, 'GET', { headers: { range: 'bytes=10-19' } });
      expect(part.status).toBe(206);
      expect(part.bytes).toEqual(bytes.subarray(10, 20));
      expect(part.headers.get('content-range')).toBe(`bytes 10-19/${bytes.length}`);
      const tail = await send(url, 'GET', { headers: { range: 'bytes=-5', 'if-range': etag } });
      expect(tail.bytes).toEqual(bytes.subarray(-5));
      const changed = await send(url, 'GET', { headers: { range: 'bytes=0-1', 'if-range': '"other"' } });
      expect([changed.status, changed.bytes.length]).toEqual([200, bytes.length]);
      const known = await send(url, 'GET', { headers: { 'if-none-match': etag } });
      expect([known.status, known.bytes.length]).toEqual([304, 0]);
      const head = await send(url, 'HEAD');
      expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)]);

      const beyond = await send(url, 'GET', { headers: { range: `bytes=${bytes.length}-` } });
      expectProblem(beyond, 416, 'range_not_satisfiable');
      expect(beyond.headers.get('content-range')).toBe(`bytes */${bytes.length}`);
      const forged = new URL(url);
      forged.searchParams.set('exp', String(Number(forged.searchParams.get('exp')) + 60));
      expectProblem(await send(forged.toString(), 'GET'), 403, 'invalid_signature');
      expectProblem(await send(url.split('?')[0]!, 'GET'), 401, 'unauthenticated');
    },
  },
  {
    name: 'lists media page by page with a cursor, newest first',
    async run({ client }) {
      const made: string[] = [];
      for (const seed of [11, 12, 13])
        made.push((await client.uploadReady(await photo({ seed }), 'p.jpg')).id);
      const first = await client.expect(200, 'GET', '/v1/media?limit=2&kind=image');
      expect(first.body.data.map(({ id }: Media) => id)).toEqual([made[2], made[1]]);
      expect(first.body.has_more).toBe(true);
      expect(first.headers.get('link')).toMatch(/^<.*cursor=.*>; rel="next"$/);
      const second = await client.expect(200, 'GET', `/v1/media?limit=2&cursor=${first.body.next_cursor}`);
      expect(second.body.data.map(({ id }: Media) => id)).toEqual([made[0]]);
      expect(second.body).toMatchObject({ has_more: false, next_cursor: null });
      expectProblem(await client.request('GET', '/v1/media?cursor=bm9uc2Vuc2U'), 400, 'invalid_cursor');
      expectProblem(await client.request('GET', '/v1/media?limit=0'), 422, 'validation_failed');
    },
  },
];
