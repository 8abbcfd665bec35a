import { readFile } from 'node:fs/promises';
import { makeClip } from '../support/clips';
import { photo } from '../support/pictures';
import { type Scenario, expectProblem } from './scenario';

interface Offered {
  name: string;
  available: boolean;
  accepts: string[];
  min_inputs: number;
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
      const offered = (body.data as Offered[]).filter(({ name }) => !/\.(probe|placeholder)$/.test(name));
      expect(offered.length).toBeGreaterThan(5);
      for (const { name, available, accepts, min_inputs, example, params_schema } of offered) {
        expect({ name, available }).toEqual({ name, available: true });
        expect(params_schema.additionalProperties).toBe(false);
        expect(Object.keys(params_schema.properties)).toEqual(expect.arrayContaining(Object.keys(example)));
        const media_id = accepts.includes('image') ? picture.id : clip.id;
        const inputs = Array.from({ length: min_inputs }, () => ({ media_id }));
        const job = await client.run({ operation: name, inputs, params: example });
        expect({ name, status: job.status }).toEqual({ name, status: 'completed' });
        const [output] = job.outputs;
        expect(output).toMatchObject({ status: 'ready', parent_ids: inputs.map((input) => input.media_id) });
        const { length } = (await client.request('GET', output!.content_url)).bytes;
        // A text that names others of its job is sent with their signed addresses in it.
        if (output!.kind === 'other') expect(length).toBeGreaterThan(output!.bytes);
        else expect(length).toBe(output!.bytes);
      }
    },
  },
  {
    name: 'runs several steps on a picture as one job, and shows every picture by its placeholder first',
    async run({ client }) {
      const picture = await client.uploadReady(await photo({ width: 640, height: 480 }), 'photo.jpg');
      const mark = await client.uploadReady(await photo({ width: 64, height: 64 }), 'mark.jpg');
      const job = await client.run({
        inputs: [{ media_id: picture.id }, { media_id: mark.id }],
        steps: [
          { operation: 'image.resize', params: { width: 200 } },
          { operation: 'image.watermark', params: { opacity: 0.8 } },
          { operation: 'image.rotate', params: { angle: 90 } },
          { operation: 'image.compress', params: { format: 'webp', quality: 90, max_bytes: 6_000 } },
        ],
      });
      const [output] = job.outputs;
      expect([job.status, job.operation]).toEqual(['completed', 'image.steps']);
      expect(output).toMatchObject({
        mime_type: 'image/webp',
        width: 150,
        height: 200,
        name: 'photo-steps.webp',
      });
      expect(output!.bytes).toBeLessThanOrEqual(6_000);
      const placeholder = await client.run({
        operation: 'image.placeholder',
        inputs: [{ media_id: picture.id }],
      });
      expect(placeholder).toMatchObject({ status: 'completed', outputs: [] });
      const thumbhash = expect.stringMatching(/^[\w+/]{20,40}=*$/) as string;
      expect(picture.placeholder).toEqual(thumbhash);
      expect(output!.placeholder).toEqual(thumbhash);
      expect(placeholder.report).toEqual({ thumbhash: picture.placeholder });
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
        ['image.crop', picture.id, { width: 100, height: 900 }, 'validation_failed', ['/params/height']],
        ['image.watermark', picture.id, {}, 'wrong_input_count', []],
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
