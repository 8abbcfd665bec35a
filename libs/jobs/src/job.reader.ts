import { Injectable } from '@nestjs/common';
import { type Job, JobEvent, Worker, queryPrepared } from '@mediakiln/entities';
import { DataSource, In } from 'typeorm';
import { type JobFilter, listQuery } from './job.list';
import { MAX_QUEUE_POSITION, QUEUE_POSITION } from './queue-position.sql';
import { type JobSnapshot, SNAPSHOTS } from './snapshot';

/** A job as the others of its chain tell of it. */
export type ChainStep = Pick<Job, 'id' | 'operation' | 'status'>;

const CHAINS = `
SELECT id, operation, status, chain_id FROM job WHERE chain_id = ANY ($1) ORDER BY chain_id, id`;

/** Reads jobs for their owners. */
@Injectable()
export class JobReader {
  constructor(private readonly database: DataSource) {}

  async find(ownerId: string, id: string): Promise<JobSnapshot | null> {
    const [job] = await this.database.query<JobSnapshot[]>(SNAPSHOTS, [[id]]);
    return job?.owner_id === ownerId ? job : null;
  }

  async latest(ownerId: string): Promise<JobSnapshot | null> {
    const [job] = await this.list(ownerId, { limit: 1 });
    return job ? this.find(ownerId, job.id) : null;
  }

  /** What the owner's requests asked for: no probes and no thumbnails. */
  list(ownerId: string, filter: JobFilter): Promise<Job[]> {
    return listQuery(this.database.manager, ownerId, filter).getMany();
  }

  /**
   * About how many jobs will have been claimed once this one is, at most MAX_QUEUE_POSITION; null when it does not wait
   * to be claimed now.
   */
  async queuePosition(job: Pick<Job, 'id' | 'status' | 'due'>): Promise<number | null> {
    if (job.status !== 'pending' || !job.due) return null;
    const [row] = await queryPrepared<{ position: number }>(this.database.manager, QUEUE_POSITION, [
      job.id,
      MAX_QUEUE_POSITION,
    ]);
    return row?.position ?? null;
  }

  /** Trails of several jobs in one query, oldest event first. */
  async trails(ids: readonly string[]): Promise<Map<string, JobEvent[]>> {
    const events = await this.database
      .getRepository(JobEvent)
      .find({ where: { job_id: In([...ids]) }, order: { id: 'ASC' } });
    const byJob = new Map<string, JobEvent[]>(ids.map((id) => [id, []]));
    for (const event of events) byJob.get(event.job_id)?.push(event);
    return byJob;
  }

  /** The chains that these jobs belong to, each in its order; nothing is asked where there is none. */
  async chains(jobs: readonly Pick<Job, 'chain_id'>[]): Promise<Map<string, ChainStep[]>> {
    const ids = new Set(jobs.flatMap(({ chain_id }) => (chain_id === null ? [] : [chain_id])));
    if (ids.size === 0) return new Map();
    const rows = await this.database.query<(ChainStep & { chain_id: string })[]>(CHAINS, [[...ids]]);
    const chains = new Map<string, ChainStep[]>([...ids].map((id) => [id, []]));
    for (const { chain_id, ...step } of rows) chains.get(chain_id)?.push(step);
    return chains;
  }

  /** Operations that some live worker has. */
  async availableOperations(): Promise<Set<string>> {
    const workers = await this.database
      .getRepository(Worker)
      .createQueryBuilder('worker')
      .where("worker.heartbeat_at > now() - interval '1 minute'")
      .getMany();
    return new Set(workers.flatMap((worker) => worker.operations));
  }
}
