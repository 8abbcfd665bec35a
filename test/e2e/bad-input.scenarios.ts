import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { formWith } from '../support/client';
import { makeClip } from '../support/clips';
import { sweepWithoutGrace } from '../support/grace';
import { leftovers } from '../support/oracle';
import { SVG, TEXT, avifBomb, cutOff, photo } from '../support/pictures';
import { until } from '../support/until';
import { MAX_UPLOAD_BYTES, type Scenario, type Stage, expectProblem } from './scenario';

interface BadFile {
  what: string;
  name: string;
  bytes: () => Buffer | Promise<Buffer>;
  status: number;
  code: string;
}

const text = (content: string): Buffer => Buffer.from(content);

/** Refused from their first bytes. */
const REFUSED_AT_ONCE: BadFile[] = [
  { what: 'a text', name: 'text.jpg', bytes: () => TEXT, status: 415, code: 'unsupported_media_type' },
  { what: 'an SVG', name: 'drawing.png', bytes: () => SVG, status: 415, code: 'unsupported_media_type' },
  {
    what: 'a list for ffmpeg that names another file',
    name: 'up.mp4',
    bytes: () => text('ffconcat version 1.0\nfile ok.mp4\n'),
    status: 415,
    code: 'unsupported_container',
  },
  {
    what: 'an HLS list',
    name: 'stream.mp4',
    bytes: () => text('#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n'),
    status: 415,
    code: 'unsupported_container',
  },
  { what: 'nothing', name: 'empty.jpg', bytes: () => text(''), status: 422, code: 'empty_file' },
  {
    what: 'more than the limit',
    name: 'huge.jpg',
    bytes: () => Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.alloc(MAX_UPLOAD_BYTES + 1)]),
    status: 413,
    code: 'body_too_large',
  },
];

/** Found out by a processor. */
const REFUSED_BY_PROBE: BadFile[] = [
  {
    what: 'a JPEG that ends too early',
    name: 'cut.jpg',
    bytes: async () => cutOff(await photo({ seed: 41 })),
    status: 422,
    code: 'image_truncated',
  },
  {
    what: 'a small AVIF of 289 megapixels',
    name: 'bomb.avif',
    bytes: () => avifBomb(17_000, 17_000),
    status: 422,
    code: 'image_too_large',
  },
  {
    what: 'an MP4 without its index',
    name: 'cut.mp4',
    bytes: async () =>
      cutOff(await readFile(await makeClip({ seconds: 2, width: 160, height: 96, keyframeEvery: 20 }))),
    status: 422,
    code: 'video_corrupt',
  },
];

const BAD_TRIMS: [string, Record<string, unknown>, string][] = [
  ['a start after the end', { start_time: 1.5, end_time: 0.5 }, 'invalid_trim_range'],
  ['a negative start', { start_time: -1, end_time: 1 }, 'validation_failed'],
  ['no number', { start_time: 'NaN', end_time: 1 }, 'validation_failed'],
  ['no start', { end_time: 1 }, 'validation_failed'],
  ['a start beyond the end of the clip', { start_time: 60, end_time: 61 }, 'invalid_trim_range'],
  [
    'an end beyond it, to be refused',
    { start_time: 0, end_time: 60, on_overrun: 'reject' },
    'invalid_trim_range',
  ],
  ['an unknown field', { start_time: 0, end_time: 1, codec: 'gif' }, 'validation_failed'],
];

export const BAD_INPUT_SCENARIOS: Scenario[] = [
  ...REFUSED_AT_ONCE.map(({ what, name, bytes, status, code }): Scenario => ({
    name: `refuses ${what} named ${name} with ${code}, and keeps nothing`,
    async run(stage) {
      const answer = await stage.client.request('POST', '/v1/media', { body: formWith(await bytes(), name) });
      expectProblem(answer, status, code);
      await expectNothingKept(stage);
    },
  })),
  ...REFUSED_BY_PROBE.map(({ what, name, bytes, status, code }): Scenario => ({
    name: `finds out ${what} (${code}), with and without waiting, and keeps nothing`,
    async run(stage) {
      const { client } = stage;
      const ask = { body: formWith(await bytes(), name) };
      expectProblem(await client.request('POST', '/v1/media?wait=60', ask), status, code);
      const { id } = (await client.expect(201, 'POST', '/v1/media', { body: formWith(await bytes(), name) }))
        .body;
      const media = await client.settledMedia(id as string);
      expect(media).toMatchObject({ status: 'failed', error: { code } });
      const operation = name.endsWith('mp4') ? 'video.trim' : 'image.compress';
      const params = name.endsWith('mp4') ? { start_time: 0, end_time: 1 } : {};
      const json = { operation, params, inputs: [{ media_id: id }] };
      expectProblem(await client.request('POST', '/v1/jobs', { json }), 422, 'media_failed');
      await expectNothingKept(stage);
    },
  })),
  {
    name: 'refuses trims that cannot be, unknown operations and wrong kinds before anything is queued',
    async run(stage) {
      const { client } = stage;
      const clip = await readFile(await makeClip({ seconds: 2, width: 160, height: 96, keyframeEvery: 20 }));
      const { id } = await client.uploadReady(clip, 'clip.mp4');
      const inputs = [{ media_id: id }];
      for (const [what, params, code] of BAD_TRIMS) {
        const json = { operation: 'video.trim', inputs, params };
        const answer = await client.request('POST', '/v1/jobs', { json });
        expect([what, answer.status, answer.body.code]).toEqual([what, 422, code]);
        expectProblem(answer, 422, code);
      }
      const ask = async (json: unknown, code: string) =>
        expectProblem(await client.request('POST', '/v1/jobs', { json }), 422, code);
      await ask({ operation: 'video.explode', inputs }, 'unknown_operation');
      await ask({ operation: 'image.compress', inputs }, 'unsupported_input');
      await ask(
        { operation: 'video.trim', inputs: [...inputs, ...inputs], params: { start_time: 0, end_time: 1 } },
        'wrong_input_count',
      );
      await ask({ operation: 'video.trim', inputs, owner_id: 'x' }, 'validation_failed');
      await ask({ inputs }, 'validation_failed');
      expect((await client.expect(200, 'GET', '/v1/jobs?operation=video.trim')).body.data).toEqual([]);
    },
  },
  {
    name: 'refuses bodies that are malformed, too large or of the wrong type',
    async run({ client }) {
      const json = { 'content-type': 'application/json' };
      const post = (path: string, body: RequestInit['body'], headers: Record<string, string>) =>
        client.request('POST', path, { body, headers });
      expectProblem(await post('/v1/jobs', '{"operation": ', json), 400, 'malformed_json');
      expectProblem(
        await post('/v1/jobs', `{"metadata": "${'x'.repeat(300_000)}"}`, json),
        413,
        'body_too_large',
      );
      expectProblem(
        await post('/v1/jobs', 'a=b', { 'content-type': 'text/csv' }),
        415,
        'unsupported_content_type',
      );
      const boundary = { 'content-type': 'multipart/form-data; boundary=x' };
      const cut = '--x\r\ncontent-disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n\xff\xd8';
      expectProblem(await post('/v1/media', cut, boundary), 400, 'malformed_multipart');
      expectProblem(await post('/v1/media', '--x--\r\n', boundary), 400, 'malformed_multipart');
      expectProblem(await post('/v1/media', '{}', json), 415, 'unsupported_content_type');
      const form = new FormData();
      form.append('picture', new Blob(['x']), 'a.jpg');
      expectProblem(await client.request('POST', '/v1/media', { body: form }), 400, 'malformed_multipart');
    },
  },
  {
    name: 'answers every failure of the router and of the guard as a problem with a request id',
    async run({ client }) {
      expectProblem(await client.request('GET', '/v1/nothing'), 404, 'not_found');
      expectProblem(await client.request('GET', '/v1/media/not-an-id'), 404, 'not_found');
      expectProblem(await client.request('DELETE', '/v1/jobs'), 405, 'method_not_allowed');
      expectProblem(await client.request('GET', '/v1/%zz'), 400, 'malformed_request');
      const stranger = { headers: { authorization: 'Bearer nonsense' } };
      const refused = await client.request('GET', '/v1/media', stranger);
      expectProblem(refused, 401, 'unauthenticated');
      expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer/);
      const named = await client.request('GET', '/v1/nothing/', {
        headers: { 'x-request-id': 'my-own-id.1' },
      });
      expect([named.headers.get('x-request-id'), named.body.request_id]).toEqual([
        'my-own-id.1',
        'my-own-id.1',
      ]);
      const insane = await client.request('GET', '/v1/nothing', {
        headers: { 'x-request-id': 'a b<script>' },
      });
      expect(insane.headers.get('x-request-id')).toMatch(/^[\w.-]+$/);
    },
  },
];

/** Neither work nor staging nor, once the grace times are over, an object of this account. */
async function expectNothingKept({ system, client }: Stage): Promise<void> {
  await until('work and staging to be empty', async () => {
    const left = await leftovers(system.dataDir);
    if (left.length > 0) throw new Error(left.join('; '));
    return true;
  });
  await sweepWithoutGrace(system);
  const files = await readdir(join(system.dataDir, 'objects'), { recursive: true, withFileTypes: true });
  const own = files.filter((entry) => entry.isFile() && entry.parentPath.includes(client.userId));
  expect(own.map((entry) => entry.name)).toEqual([]);
}
