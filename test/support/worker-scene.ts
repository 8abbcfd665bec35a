import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ImageProbe, isTerminal } from '@mediakiln/contracts';
import { Job, JobEvent, Media } from '@mediakiln/entities';
import { type Execution, JobDispatcher, JobFollower, type NewJob } from '@mediakiln/jobs';
import { ObjectStore } from '@mediakiln/media';
import { Storage } from '@mediakiln/storage';
import type { DataSource } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { until } from './until';
import type { TestWorker } from './worker';

/** The machine may be busy. */
const WITHIN_MS = 20_000;

export const IMAGE_PROBE: ImageProbe = {
  kind: 'image',
  format: 'jpeg',
  stored_width: 4,
  stored_height: 4,
  width: 4,
  height: 4,
  orientation: 1,
  frames: 1,
  has_alpha: false,
  has_icc_profile: false,
  color_space: 'srgb',
  bit_depth: 8,
  channels: 3,
  is_progressive: false,
  has_gps: false,
};

/** Runs until it is told to stop, like an engine; tells when it was. */
export function endless(): { script: (execution: Execution) => Promise<never>; aborted: Promise<void> } {
  let tell: () => void;
  const aborted = new Promise<void>((resolve) => (tell = resolve));
  const script = ({ signal }: Execution): Promise<never> =>
    new Promise((_, reject) =>
      signal.addEventListener('abort', () => {
        tell();
        reject(new Error('engine ended'));
      }),
    );
  return { script, aborted };
}

/** What specs of running jobs do with one worker and one owner. */
export function workerScene(database: DataSource, worker: TestWorker, owner: string) {
  const objects = worker.app.get(ObjectStore);
  const put = objects.put.bind(objects);

  /** A ready image of the owner whose bytes are `content`. */
  async function givenMedia(content = 'bytes of a photo'): Promise<string> {
    const path = join(worker.dataDir, 'given');
    await writeFile(path, content);
    const staged = await worker.app.get(Storage).stageFile(path);
    await put(owner, staged);
    await worker.app.get(Storage).discard(staged);
    const id = uuidv7();
    await database.getRepository(Media).insert({
      id,
      owner_id: owner,
      status: 'ready',
      kind: 'image',
      name: 'photo.jpg',
      mime_type: 'image/jpeg',
      container: 'jpeg',
      bytes: staged.bytes,
      sha256: staged.sha256,
      probe: IMAGE_PROBE as object,
    });
    return id;
  }

  async function submit(job: Partial<NewJob> = {}): Promise<string> {
    const dispatcher = worker.app.get(JobDispatcher);
    const inputs = job.inputs ?? [{ media_id: await givenMedia() }];
    const ticket = await database.transaction((tx) =>
      dispatcher.insert(tx, [{ owner_id: owner, operation: 'image.compress', ...job, inputs }]),
    );
    await dispatcher.ring(ticket.rings);
    return ticket.jobs[0]!.id;
  }

  const read = (id: string) => database.getRepository(Job).findOneByOrFail({ id });

  return {
    givenMedia,
    submit,
    read,
    media: (id: string) => database.getRepository(Media).findOneByOrFail({ id }),
    updateMedia: (id: string, values: object) => database.getRepository(Media).update(id, values),
    outputs: (id: string) => database.getRepository(Media).findBy({ job_id: id }),
    reasons: async (id: string) =>
      (await database.getRepository(JobEvent).find({ where: { job_id: id }, order: { id: 'ASC' } })).map(
        (event) => event.reason,
      ),
    settled: async (id: string): Promise<Job> => {
      await worker.app.get(JobFollower).waitFor(id, WITHIN_MS);
      const job = await read(id);
      if (!isTerminal(job.status)) throw new Error(`job is still ${job.status}`);
      return job;
    },
    runs: () => until('it to run', () => worker.executor.runs.length === 1, WITHIN_MS),
    workFolderIsGone: () =>
      until(
        'the work folder to be gone',
        async () => (await readdir(join(worker.dataDir, 'work'))).length === 0,
        WITHIN_MS,
      ),
  };
}
