import { readFile } from 'node:fs/promises';
import { photo } from '../support/pictures';
import type { Job } from '../support/client';
import { deriveClip, makeClip } from '../support/clips';
import { follow } from '../support/event-stream';
import { engines } from '../support/proc';
import { until } from '../support/until';
import { type Scenario, expectProblem } from './scenario';

/** A second until the worker looks, and what a loaded machine may add; the engine itself has several times as much to do. */
const ENGINE_GONE_WITHIN_MS = 10_000;

/** Five minutes that take an engine long enough to be caught at work, made by repeating five seconds. */
export async function longClip(): Promise<Buffer> {
  // Players want another pixel format: a cut of it is encoded anew.
  const short = await makeClip({
    seconds: 5,
    width: 320,
    height: 192,
    audioSeconds: 0,
    pixelFormat: 'yuv444p',
    more: ['-crf', '34'],
  });
  const loop = ['-stream_loop', '59', '-i', short, '-c', 'copy'];
  return readFile(await deriveClip('five-minutes-320x192-444-small', 'mp4', loop));
}

export const JOB_SCENARIOS: Scenario[] = [
  {
    name: 'follows a job live: its trail in order, its progress, the end; and resumes after the last event',
    async run({ client }) {
      const clip = await readFile(await makeClip({ seconds: 2, width: 160, height: 96, keyframeEvery: 20 }));
      const media = await client.uploadReady(clip, 'clip.mp4');
      const trim = { operation: 'video.trim', params: { start_time: 0.2, end_time: 1.8 } };
      const job = await client.createJob({ ...trim, inputs: [{ media_id: media.id }] });
      const events = await follow(client, job.events_url);
      const statuses = events.filter(({ type }) => type === 'status');
      expect(statuses.map(({ data }) => data.status)).toEqual(['pending', 'processing', 'completed']);
      expect(statuses.map(({ data }) => data.reason)).toEqual(['created', 'claimed', 'done']);
      const percents = events
        .filter(({ type }) => type === 'progress')
        .map(({ data }) => Number(data.percent));
      expect(percents.at(-1)).toBe(100);
      expect(percents).toEqual([...percents].sort((a, b) => a - b));
      const ids = statuses.map(({ id }) => Number(id));
      expect(ids).toEqual([...ids].sort((a, b) => a - b));

      const resumed = await follow(client, job.events_url, statuses[0]!.id);
      expect(resumed.filter(({ type }) => type === 'status').map(({ id }) => id)).toEqual(
        statuses.slice(1).map(({ id }) => id),
      );
    },
  },
  {
    name: 'answers a long poll when the job ends, and when the time is over',
    async run({ client }) {
      const media = await client.uploadReady(await photo({ seed: 31 }), 'p.jpg');
      const soon = await client.createJob({
        operation: 'image.compress',
        inputs: [{ media_id: media.id }],
        delay_seconds: 1,
      });
      expect(await client.job(soon.id, '?wait=60')).toMatchObject({ status: 'completed' });
      const later = await client.createJob({
        operation: 'image.compress',
        inputs: [{ media_id: media.id }],
        delay_seconds: 3600,
      });
      expect(await client.job(later.id, '?wait=1')).toMatchObject({ status: 'pending' });
      await client.expect(200, 'POST', `/v1/jobs/${later.id}/cancel`);
    },
  },
  {
    name: 'lists jobs page by page, by status and by operation',
    async run({ client }) {
      const media = await client.uploadReady(await photo({ seed: 32 }), 'p.jpg');
      const made: string[] = [];
      for (const quality of [30, 40, 50]) {
        const ask = { operation: 'image.compress', inputs: [{ media_id: media.id }], params: { quality } };
        made.unshift((await client.run(ask)).id);
      }
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page = await client.expect(200, 'GET', `/v1/jobs?limit=2${cursor && `&cursor=${cursor}`}`);
        seen.push(...page.body.data.map(({ id }: Job) => id));
        cursor = page.body.next_cursor as string | null;
      }
      expect(seen).toEqual(made);
      const compressed = await client.expect(
        200,
        'GET',
        `/v1/jobs?operation=image.compress&status=completed&order=oldest&media_id=${media.id}`,
      );
      expect(compressed.body.data.map(({ id }: Job) => id)).toEqual([...made].reverse());
      expect((await client.expect(200, 'GET', '/v1/jobs?operation=image.probe')).body.data).toEqual([]);
      expect((await client.expect(200, 'GET', '/v1/jobs?status=failed')).body.data).toEqual([]);
    },
  },
  {
    name: 'cancels a delayed job, and runs it after all when it is retried by hand',
    async run({ client }) {
      const media = await client.uploadReady(await photo({ seed: 33 }), 'p.jpg');
      const ask = { operation: 'image.compress', inputs: [{ media_id: media.id }], delay_seconds: 3600 };
      const { id } = await client.createJob(ask);
      expectProblem(await client.request('POST', `/v1/jobs/${id}/retry`), 409, 'job_not_retryable');
      expect((await client.expect(200, 'POST', `/v1/jobs/${id}/cancel`)).body.status).toBe('canceled');
      await client.expect(200, 'POST', `/v1/jobs/${id}/cancel`);
      await client.expect(202, 'POST', `/v1/jobs/${id}/retry`);
      const job = await client.waitJob(id);
      expect(job.events.map(({ reason }) => reason)).toEqual([
        'created',
        'canceled_by_user',
        'retried_by_hand',
        'claimed',
        'done',
      ]);
      expect(job.outputs).toHaveLength(1);
      expectProblem(await client.request('POST', `/v1/jobs/${id}/cancel`), 409, 'job_already_settled');
    },
  },
  {
    name: 'ends the engine of a job that is canceled at work, and keeps nothing of it',
    async run({ client, system }) {
      const media = await client.uploadReady(await longClip(), 'long.mp4');
      const { id } = await client.createJob({
        operation: 'video.trim',
        inputs: [{ media_id: media.id }],
        params: { start_time: 0, end_time: 299 },
      });
      await until('ffmpeg to work', () =>
        engines(system.dataDir, id).some(({ command }) => command.includes('libx264')),
      );
      const { progress } = await until('progress', async () => {
        const job = await client.job(id);
        return job.progress.percent > 0 && job;
      });
      expect(progress.eta_seconds).toBeGreaterThan(0);
      const canceled = await client.expect(200, 'POST', `/v1/jobs/${id}/cancel`);
      expect(canceled.body).toMatchObject({ status: 'canceled', outputs: [] });
      await until('ffmpeg to be gone', () => engines(system.dataDir, id).length === 0, ENGINE_GONE_WITHIN_MS);
      expect(await client.job(id)).toMatchObject({ status: 'canceled', outputs: [] });
    },
  },
  {
    name: 'fails a job whose input was deleted, and counts anew when it is retried by hand',
    async run({ client, system }) {
      const media = await client.uploadReady(await photo({ seed: 34 }), 'p.jpg');
      const ask = { operation: 'image.compress', inputs: [{ media_id: media.id }], delay_seconds: 3600 };
      const { id } = await client.createJob(ask);
      await client.expect(204, 'DELETE', `/v1/media/${media.id}`);
      client.uploads.length = 0;
      // The rest of the delay is nothing to wait for.
      await system.database.query('UPDATE job SET run_at = now() WHERE id = $1', [id]);
      const failed = await client.waitJob(id);
      expect(failed).toMatchObject({ status: 'failed', error: { code: 'input_gone' }, attempts: 1 });
      await client.expect(202, 'POST', `/v1/jobs/${id}/retry`);
      expect(await client.waitJob(id)).toMatchObject({ status: 'failed', attempts: 2 });
    },
  },
];
