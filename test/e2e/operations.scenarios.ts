import { readFile } from 'node:fs/promises';
import { makeClip } from '../support/clips';
import { photo } from '../support/pictures';
import { type Scenario, expectProblem } from './scenario';

interface Offered {
  name: string;
  available: boolean;
  accepts: string[];
  example: Record<string, unknown>;
  params_schema: { properties: Record<string, unknown>; additionalProperties: boolean };
}

export const OPERATION_SCENARIOS: Scenario[] = [
  {
    name: 'runs every operation of the catalogue with its own example',
    async run({ client }) {
      const clip = await client.uploadReady(await readFile(await makeClip({ seconds: 2 })), 'clip.mp4');
      const picture = await client.uploadReady(await photo({ width: 640, height: 480 }), 'photo.jpg');
      const { body } = await client.expect(200, 'GET', '/v1/operations');
      const offered = (body.data as Offered[]).filter(({ name }) => !name.endsWith('.probe'));
      expect(offered.length).toBeGreaterThan(5);
      for (const { name, available, accepts, example, params_schema } of offered) {
        expect({ name, available }).toEqual({ name, available: true });
        expect(params_schema.additionalProperties).toBe(false);
        expect(Object.keys(params_schema.properties)).toEqual(expect.arrayContaining(Object.keys(example)));
        const media_id = accepts.includes('image') ? picture.id : clip.id;
        const job = await client.run({ operation: name, inputs: [{ media_id }], params: example });
        expect({ name, status: job.status }).toEqual({ name, status: 'completed' });
        const [output] = job.outputs;
        expect(output).toMatchObject({ status: 'ready', parent_ids: [media_id] });
        expect((await client.request('GET', output!.content_url)).bytes.length).toBe(output!.bytes);
      }
    },
  },
  {
    name: 'makes a picture of a video, which is an image from then on',
    async run({ client }) {
      const clip = await client.uploadReady(await readFile(await makeClip({ seconds: 2 })), 'clip.mp4');
      const poster = await client.run({
        operation: 'video.poster',
        inputs: [{ media_id: clip.id }],
        params: { time: 1, width: 160, format: 'webp' },
      });
      const [picture] = poster.outputs;
      expect(picture).toMatchObject({
        kind: 'image',
        mime_type: 'image/webp',
        width: 160,
        name: 'clip-poster.webp',
      });
      const smaller = await client.run({
        operation: 'image.resize',
        inputs: [{ media_id: picture!.id }],
        params: { width: 40, format: 'jpeg' },
      });
      expect(smaller.outputs[0]).toMatchObject({ kind: 'image', mime_type: 'image/jpeg', width: 40 });
    },
  },
  {
    name: 'refuses parameters that do not go together, and what the media cannot give, before anything is queued',
    async run({ client }) {
      const clip = await client.uploadReady(await readFile(await makeClip({ seconds: 2 })), 'clip.mp4');
      const picture = await client.uploadReady(await photo(), 'photo.jpg');
      const refusals: [string, string, object, string, string[]][] = [
        ['image.resize', picture.id, {}, 'validation_failed', ['/params/width', '/params/height']],
        [
          'image.convert',
          picture.id,
          { format: 'gif', lossless: true },
          'validation_failed',
          ['/params/lossless'],
        ],
        ['video.poster', clip.id, { time: 99 }, 'validation_failed', ['/params/time']],
        ['image.resize', picture.id, { width: 16_000, enlarge: true }, 'output_too_large', []],
        ['image.thumbnail', clip.id, {}, 'unsupported_input', []],
        ['video.poster', picture.id, {}, 'unsupported_input', []],
      ];
      for (const [operation, media_id, params, code, pointers] of refusals) {
        const answer = await client.request('POST', '/v1/jobs', {
          json: { operation, inputs: [{ media_id }], params },
        });
        expectProblem(answer, 422, code);
        const errors = (answer.body.errors ?? []) as { pointer: string }[];
        expect(errors.map(({ pointer }) => pointer)).toEqual(pointers);
      }
    },
  },
];
