import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { objectKey } from '@mediakiln/storage';
import { Client, type Job, type Media } from '../support/client';
import { frameNumbers, makeClip } from '../support/clips';
import { judge } from '../support/oracle';
import { photo } from '../support/pictures';
import { encoders, engines } from '../support/proc';
import { seededRandom } from '../support/seeded-random';
import { Services } from '../support/services';
import { until } from '../support/until';

/** So many of each; `CHAOS_FULL=1` runs the numbers that are promised. */
const COUNTS =
  process.env.CHAOS_FULL === '1'
    ? { engines: 30, processors: 20, cancels: 30 }
    : { engines: 4, processors: 2, cancels: 4 };
const LIMIT_MS = 60_000 + Object.values(COUNTS).reduce((sum, count) => sum + count) * 20_000;

/** VP9, so that every cut of it is encoded anew; at 25 a second each frame stands at a whole millisecond, as WebM has it. */
const CLIP = { container: 'webm', seconds: 5, fps: 25, width: 640, height: 352, audioSeconds: 0 } as const;
const CUT_FRAMES = 100;
const SLOTS = 2;
/** Some blows come after the engine has ended, while its file is brought in. */
const BEYOND = 1.2;
const ENGINE_GONE_WITHIN_MS = 5_000;
/** What a loaded machine may add. */
const SLACK_MS = 10_000;

const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
const random = seededRandom(seed);
const shares = (count: number): number[] => Array.from({ length: count }, () => random() * BEYOND);
/** When each blow falls, as a share of the time that one encoding takes here. */
const SCHEDULE = {
  engines: shares(COUNTS.engines),
  processors: shares(COUNTS.processors),
  cancels: shares(COUNTS.cancels),
};

let services: Services;
let client: Client;
let clip: Media;
let encodingMs: number;
/** Frame at which the next cut begins: no two outputs are the same file. */
let nextFrame = 0;
const firstFrameOf = new Map<string, number>();

beforeAll(async () => {
  services = await Services.start({ env: { VIDEO_CONCURRENCY: String(SLOTS) } });
  client = await Client.register(services.url);
  clip = await client.uploadReady(await readFile(await makeClip(CLIP)), 'clip.webm');
  encodingMs = await timeOneEncoding();
}, 180_000);
afterAll(() => services?.close(), 60_000);

const NAME = `(CHAOS_SEED=${seed})`;
it(
  `makes the whole output or none, whenever ffmpeg is killed ${NAME}`,
  async () => {
    const hits = await inLanes(SCHEDULE.engines, async (share) => {
      const engine = await engineOf(await cut());
      await sleep(share * encodingMs);
      try {
        if (engine) process.kill(engine.pid, 'SIGKILL');
        return engine !== null;
      } catch {
        return false; // it had ended
      }
    });
    tell('engines killed', hits.filter(Boolean).length);
    await expectWholeCuts();
  },
  LIMIT_MS,
);

it(
  `makes the whole output or none, whenever the processor is killed ${NAME}`,
  async () => {
    for (let index = 0; index < COUNTS.processors + SLOTS; index++) await cut();
    let hits = 0;
    for (const share of SCHEDULE.processors) {
      await until('an engine at work', () => encoders(services.dataDir, '').length > 0 || isIdle(), 60_000);
      await sleep(share * encodingMs);
      await expectWholeOrAbsent();
      hits += Number(encoders(services.dataDir, '').length > 0);
      await services.video.kill9();
      await services.video.start('live');
      // What is left of the list must not run out before the blows do.
      if (await isIdle()) await cut();
    }
    tell('processors killed at work', hits);
    await expectWholeCuts();
  },
  LIMIT_MS,
);

it(
  `leaves no engine, no file and no output of what is canceled, at whatever moment ${NAME}`,
  async () => {
    const ends = await inLanes(SCHEDULE.cancels, async (share) => {
      const job = await cut();
      await engineOf(job);
      await sleep(share * encodingMs);
      const { status } = await client.request('POST', `/v1/jobs/${job.id}/cancel`);
      const now = await client.job(job.id);
      expect([status, now.status]).toEqual(status === 200 ? [200, 'canceled'] : [409, 'completed']);
      if (status === 200) {
        await until(
          'the engine to be gone',
          () => engines(services.dataDir, job.id).length === 0,
          ENGINE_GONE_WITHIN_MS + SLACK_MS,
        );
        expect((await client.job(job.id)).outputs).toEqual([]);
      }
      return now.status;
    });
    tell('jobs canceled', ends.filter((status) => status === 'canceled').length);
    await expectWholeCuts();
  },
  LIMIT_MS,
);

it(
  'finishes a chain although both processors are killed between its steps',
  async () => {
    await services.image.kill9();
    const mark = await client.upload(await photo({ seed: 62, width: 32, height: 32 }), 'mark.jpg');
    const last = await client.createJob({
      inputs: [{ media_id: clip.id }, { media_id: mark.id }],
      steps: [
        { operation: 'video.trim', params: { start_time: 0, end_time: 0.5 } },
        { operation: 'video.poster' },
        { operation: 'image.watermark' },
        { operation: 'video.from_image', params: { duration_seconds: 1 } },
      ],
    });
    const steps = last.chain!.steps.map(({ job_id }) => job_id);
    await client.waitJob(steps[1]!);
    await services.video.kill9();
    await services.image.start();
    expect(await client.waitJob(steps[2]!)).toMatchObject({ status: 'completed' });
    await services.image.kill9();
    await services.video.start();
    const done = await client.waitJob(last.id);
    expect(done.chain!.steps.map(({ status }) => status)).toEqual(steps.map(() => 'completed'));
    expect(done.outputs).toHaveLength(1);
    await services.image.start();
  },
  LIMIT_MS,
);

it(
  `has lost nothing and left nothing behind after all of that ${NAME}`,
  async () => {
    expect(await judge(services, [client])).toEqual([]);
  },
  LIMIT_MS,
);

async function cut(): Promise<Job> {
  const first = nextFrame++ % (CLIP.seconds * CLIP.fps - CUT_FRAMES);
  const job = await client.createJob({
    operation: 'video.trim',
    inputs: [{ media_id: clip.id }],
    params: { start_time: first / CLIP.fps, end_time: (first + CUT_FRAMES) / CLIP.fps },
  });
  firstFrameOf.set(job.id, first);
  return job;
}

/** @returns null when the job ended before anybody saw its engine. */
async function engineOf({ id }: Job): Promise<{ pid: number } | null> {
  const { engine } = await until(
    `the engine of ${id}`,
    async () => {
      const [found] = encoders(services.dataDir, id);
      if (found) return { engine: found };
      const [job] = await services.database.query<{ status: string }[]>(
        'SELECT status FROM job WHERE id = $1',
        [id],
      );
      return job!.status === 'completed' && { engine: null };
    },
    LIMIT_MS,
  );
  return engine;
}

/** As many at a time as the processor has slots, so that each finds an engine soon. */
async function inLanes<T>(given: readonly number[], work: (share: number) => Promise<T>): Promise<T[]> {
  const left = [...given];
  const done: T[] = [];
  const lane = async (): Promise<void> => {
    for (let share = left.shift(); share !== undefined; share = left.shift()) done.push(await work(share));
  };
  await Promise.all(Array.from({ length: SLOTS }, lane));
  return done;
}

/** From the moment at which a test sees the engine to that at which it sees the output. */
async function timeOneEncoding(): Promise<number> {
  const job = await cut();
  await engineOf(job);
  const begin = performance.now();
  expect(await client.waitJob(job.id)).toMatchObject({ status: 'completed' });
  return performance.now() - begin;
}

async function isIdle(): Promise<boolean> {
  const rows = await services.database.query<unknown[]>(
    "SELECT FROM job WHERE status IN ('pending', 'processing') LIMIT 1",
  );
  return rows.length === 0;
}

const OUTPUTS = `SELECT job.id AS job_id, job.status, media.sha256 FROM media JOIN job ON job.id = media.job_id
  WHERE media.variant IS NOT NULL AND job.operation = 'video.trim'`;
const outputs = (): Promise<{ job_id: string; sha256: string; status: string }[]> =>
  services.database.query(OUTPUTS);

/** At any moment: an output is there because its job is completed, and then its file is. */
async function expectWholeOrAbsent(): Promise<void> {
  for (const { job_id, sha256, status } of await outputs()) {
    const bytes = await readFile(join(services.dataDir, 'objects', objectKey(client.userId, sha256)));
    expect([job_id, status, bytes.length > 0]).toEqual([job_id, 'completed', true]);
  }
}

const seen = new Set<string>();
/** Everything that was not canceled is completed, and each output holds just the frames that were asked for. */
async function expectWholeCuts(): Promise<void> {
  for (const id of client.jobs)
    expect(['completed', 'canceled']).toContain((await client.waitJob(id)).status);
  for (const { job_id, sha256 } of await outputs()) {
    const first = firstFrameOf.get(job_id);
    if (seen.has(job_id) || first === undefined) continue;
    seen.add(job_id);
    const path = join(services.dataDir, 'objects', objectKey(client.userId, sha256));
    expect([job_id, await frameNumbers(path)]).toEqual([
      job_id,
      Array.from({ length: CUT_FRAMES }, (_, index) => first + index),
    ]);
  }
}

/** How many blows met what they were meant for depends on the machine: it is told, not asserted. */
function tell(what: string, count: number): void {
  if (process.env.CHAOS_FULL === '1') process.stdout.write(`${what}: ${count}\n`);
}
