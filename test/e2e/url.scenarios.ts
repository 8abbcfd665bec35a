import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { makeClip } from '../support/clips';
import { photo } from '../support/pictures';
import { type Scenario, expectProblem } from './scenario';

const routes =
  (paths: Record<string, RequestListener>): RequestListener =>
  (request, response) =>
    (paths[request.url ?? ''] ?? notFound)(request, response);
const notFound: RequestListener = (_request, response) => void response.writeHead(404).end();
const file =
  (bytes: Buffer | string): RequestListener =>
  (_request, response) =>
    void response.end(bytes);
const redirect =
  (location: string): RequestListener =>
  (_request, response) =>
    void response.writeHead(302, { location }).end();

export const URL_SCENARIOS: Scenario[] = [
  {
    name: 'fetches a picture and a clip from their addresses and works on them as on uploads',
    async run({ client, host }) {
      const picture = await photo({ seed: 71 });
      const clip = await readFile(await makeClip({ seconds: 2, width: 160, height: 96 }));
      host.answer = routes({
        '/moved': redirect('/caf%C3%A9.jpg?v=2'),
        '/caf%C3%A9.jpg?v=2': file(picture),
        '/clip': file(clip),
      });
      const compressed = await client.run({
        operation: 'image.compress',
        inputs: [{ url: `${host.url}/moved` }],
        params: { quality: 40 },
      });
      expect(compressed).toMatchObject({
        status: 'completed',
        inputs: [{ url: `${host.url}/moved` }],
        report: { bytes_before: picture.length },
        outputs: [{ kind: 'image', name: 'moved-compress.jpg', width: 320, parent_ids: [] }],
      });
      const [output] = compressed.outputs;
      expect((await client.request('GET', output!.content_url)).bytes.length).toBe(output!.bytes);

      const trimmed = await client.run({
        operation: 'video.trim',
        inputs: [{ url: `${host.url}/clip` }],
        params: { start_time: 0.5, end_time: 1.5 },
      });
      expect(trimmed).toMatchObject({ status: 'completed', outputs: [{ kind: 'video', parent_ids: [] }] });
      expect(trimmed.outputs[0]!.duration_seconds).toBeCloseTo(1, 1);
      const { body } = await client.expect(200, 'GET', '/v1/media?limit=100');
      expect(body.data).toHaveLength(2);
    },
  },
  {
    name: 'says of every address that leads nowhere useful what is wrong with it',
    async run({ client, host }) {
      host.answer = routes({
        '/page': file('<!doctype html><p>Please log in'),
        '/inside': redirect('http://169.254.169.254/latest/meta-data/'),
        '/video': file(await readFile(await makeClip({ seconds: 2, width: 160, height: 96 }))),
        '/cut.jpg': file((await photo({ seed: 72 })).subarray(0, 5_000)),
      });
      for (const [path, code] of [
        ['/nothing', 'download_not_found'],
        ['/page', 'download_not_media'],
        ['/inside', 'url_blocked'],
        ['/video', 'unsupported_input'],
        ['/cut.jpg', 'image_truncated'],
      ] as const) {
        const job = await client.run({ operation: 'image.compress', inputs: [{ url: host.url + path }] });
        expect({ path, status: job.status, code: job.error?.code }).toEqual({ path, status: 'failed', code });
      }
      const trim = { operation: 'video.trim', params: { start_time: 5, end_time: 6 } };
      const late = await client.run({ ...trim, inputs: [{ url: `${host.url}/video` }] });
      expect(late).toMatchObject({ status: 'failed', error: { code: 'invalid_trim_range' } });
      const refused = await client.request('POST', '/v1/jobs', {
        json: { ...trim, inputs: [{ url: 'http://10.0.0.1/clip.mp4' }] },
      });
      expectProblem(refused, 422, 'url_blocked');
    },
  },
];
