import { randomUUID } from 'node:crypto';
import type { Topic } from '@mediakiln/contracts';
import { AppConfig } from '@mediakiln/config';
import { Job, JobEvent, User } from '@mediakiln/entities';
import { BatchCloser, JobDispatcher, JobStore, type NewJob } from '@mediakiln/jobs';
import { MediaStore } from '@mediakiln/media';
import { Doorbell } from '@mediakiln/messaging';
import { Log, Meter } from '@mediakiln/observability';
import type { DataSource } from 'typeorm';
import { PATIENT_CONNECT_MS } from './database';

/** Counts rings instead of sending them: for tests of what is rung, not of transports. */
export class CountingDoorbell extends Doorbell {
  readonly rung = new Map<Topic, number>();
  queued = 0;
  isBroken = false;
  /** This topic's queue alone does not answer. */
  silent?: Topic;

  ring(topic: Topic, count: number): Promise<void> {
    // With the code that a closed port answers, as the client of the real one passes it on.
    if (this.isBroken || topic === this.silent)
      return Promise.reject(Object.assign(new Error('the broker is away'), { code: 'ECONNREFUSED' }));
    this.rung.set(topic, (this.rung.get(topic) ?? 0) + count);
    return Promise.resolve();
  }

  waiting(): Promise<number> {
    return Promise.resolve(this.queued);
  }

  check(): Promise<void> {
    return Promise.resolve();
  }
}

export function testConfig(values: Partial<AppConfig> = {}): AppConfig {
  return new AppConfig({
    jwtSecret: 'a-secret-for-tests-that-is-long-enough',
    logLevel: 'silent',
    databaseConnectMs: PATIENT_CONNECT_MS,
    ...values,
  });
}

/** The parts of libs/jobs that write rows, on a test database. */
export function jobParts(dataSource: DataSource, config = testConfig()) {
  const doorbell = new CountingDoorbell();
  const meter = new Meter();
  const log = new Log(config);
  const media = new MediaStore(dataSource);
  const store = new JobStore(dataSource, media, config, meter, new BatchCloser(dataSource, log));
  const dispatcher = new JobDispatcher(doorbell, log, meter);
  return { config, doorbell, meter, log, media, store, dispatcher };
}

export async function createUser(dataSource: DataSource): Promise<string> {
  const id = randomUUID();
  await dataSource
    .getRepository(User)
    .insert({ id, email: `${id}@example.com`, password_hash: 'x', role: 'user' });
  return id;
}

/** Inserts jobs as a request would; inputs need not exist for what is tested with them. */
export async function insertJobs(
  dataSource: DataSource,
  dispatcher: JobDispatcher,
  jobs: (Partial<NewJob> & { owner_id: string })[],
): Promise<Job[]> {
  const complete = jobs.map((job) => ({
    operation: 'image.compress',
    inputs: [{ media_id: randomUUID() }],
    ...job,
  }));
  return dataSource.transaction(async (tx) => (await dispatcher.insert(tx, complete)).jobs);
}

/** Shorthands for specs of the job runtime: one worker with the image operations on one database. */
export function jobScene(dataSource: DataSource, parts = jobParts(dataSource)) {
  const bootId = randomUUID();
  return {
    ...parts,
    bootId,
    claim: (operations = IMAGE_OPERATIONS, boot = bootId) => parts.store.claim('image', operations, boot),
    insert: async (job: Partial<NewJob> & { owner_id: string }) =>
      (await insertJobs(dataSource, parts.dispatcher, [job]))[0]!,
    insertMany: (ownerId: string, count: number, extra: Partial<NewJob> = {}) =>
      insertJobs(
        dataSource,
        parts.dispatcher,
        Array.from({ length: count }, () => ({ owner_id: ownerId, ...extra })),
      ),
    read: (id: string) => dataSource.getRepository(Job).findOneByOrFail({ id }),
    /** The status trail as `status attempt reason`, oldest first. */
    trail: async (id: string) =>
      (await dataSource.getRepository(JobEvent).find({ where: { job_id: id }, order: { id: 'ASC' } })).map(
        (event) => `${event.status} ${event.attempt} ${event.reason}`,
      ),
    complete: (job: Job) =>
      parts.store.settle({
        id: job.id,
        epoch: job.epoch,
        operation: job.operation,
        purpose: job.purpose,
        to: 'completed',
        reason: 'done',
        outputs: [],
        report: { saved_percent: 12 },
      }),
  };
}

const IMAGE_OPERATIONS = ['image.compress', 'image.probe'];
