import { readFile } from 'node:fs/promises';
import type { Client, Job, Media } from '../support/client';
import { makeClip } from '../support/clips';
import { follow } from '../support/event-stream';
import { photo } from '../support/pictures';
import { type Scenario, expectProblem } from './scenario';

const TRIM = { operation: 'video.trim', params: { start_time: 0.5, end_time: 1.5 } };

const clipOf = async (client: Client): Promise<Media> =>
  client.uploadReady(
    await readFile(await makeClip({ seconds: 2, width: 160, height: 96, keyframeEvery: 20 })),
    'clip.mp4',
  );

const stepsOf = (client: Client, { chain }: Job): Promise<Job[]> =>
  Promise.all(chain!.steps.map(({ job_id }) => client.job(job_id)));

export const CHAIN_SCENARIOS: Scenario[] = [
  {
    name: 'trims a video, merges it, takes a picture, marks it, and makes a video of it again: a job for each, on two processors',
    async run({ client }) {
      const clip = await clipOf(client);
      const mark = await client.uploadReady(await photo({ seed: 61, width: 32, height: 32 }), 'mark.jpg');
      const asked = await client.createJob({
        inputs: [{ media_id: clip.id }, { media_id: mark.id }],
        steps: [
          TRIM,
          { operation: 'video.merge', inputs: [{ step: 0 }, { input: 0 }] },
          { operation: 'video.poster', params: { time: 2.5, format: 'png' } },
          { operation: 'image.watermark' },
          { operation: 'image.resize', params: { width: 80 } },
          { operation: 'video.from_image', params: { duration_seconds: 1 } },
          { operation: 'video.poster', inputs: [{ step: 0 }] },
        ],
      });
      const last = await client.waitJob(asked.id);
      const jobs = await stepsOf(client, last);
      expect(jobs.map(({ operation, status, error }) => [operation, status, error])).toEqual([
        ['video.trim', 'completed', null],
        ['video.merge', 'completed', null],
        ['video.poster', 'completed', null],
        ['image.steps', 'completed', null],
        ['video.from_image', 'completed', null],
        ['video.poster', 'completed', null],
      ]);
      const [cut, merged, picture, marked, still, again] = jobs.map(({ outputs }) => outputs[0]!);
      expect(cut).toMatchObject({ kind: 'video', parent_ids: [clip.id] });
      expect(merged).toMatchObject({ kind: 'video', parent_ids: [cut!.id, clip.id] });
      expect(merged!.duration_seconds).toBeGreaterThan(2.8);
      expect(picture).toMatchObject({ kind: 'image', parent_ids: [merged!.id] });
      expect(marked).toMatchObject({ kind: 'image', width: 80, parent_ids: [picture!.id, mark.id] });
      expect(still).toMatchObject({ kind: 'video', parent_ids: [marked!.id] });
      expect(again).toMatchObject({ kind: 'image', parent_ids: [cut!.id] });
      expect(last.outputs.map(({ id }) => id)).toEqual([again!.id]);
      for (const media of [cut!, merged!, picture!, marked!, still!, again!])
        expect((await client.request('GET', media.content_url)).bytes.length).toBe(media.bytes);
    },
  },
  {
    name: 'tells who follows the last step of the others, and ends the chain at a step that fails',
    async run({ client }) {
      const clip = await clipOf(client);
      // The last second of the clip is asked for of a cut that has it no more.
      const asked = await client.createJob({
        inputs: [{ media_id: clip.id }],
        steps: [TRIM, { operation: 'video.poster', params: { time: 1.9 } }, { operation: 'image.compress' }],
      });
      const events = await follow(client, asked.events_url);
      const told = events.filter(({ type }) => type === 'progress').at(-1)!.data.chain as Job['chain'];
      expect(told!.steps.map(({ status }) => status)).toEqual(['completed', 'failed', 'canceled']);
      const [cut, failed, last] = await stepsOf(client, asked);
      expect(failed!.error!.code).toBe('validation_failed');
      expect(last).toMatchObject({ status: 'canceled', error: { code: 'dependency_failed' }, outputs: [] });
      expect(last!.error!.detail).toContain(`video.poster (job ${failed!.id}) failed with validation_failed`);
      expect(cut!.outputs).toHaveLength(1);
      // It goes on at the step that failed, which fails again.
      await client.expect(202, 'POST', `/v1/jobs/${last!.id}/retry`);
      expect(await client.waitJob(last!.id)).toMatchObject({ status: 'canceled' });
      expect(await client.job(failed!.id)).toMatchObject({ status: 'failed', attempts: 2 });
      expectProblem(await client.request('POST', `/v1/jobs/${cut!.id}/retry`), 409, 'job_not_retryable');
    },
  },
];
