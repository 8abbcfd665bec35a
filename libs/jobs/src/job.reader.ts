import { Injectable } from '@nestjs/common';
import type { JobStatus } from '@mediakiln/contracts';
import { Job, JobEvent, Worker } from '@mediakiln/entities';
import { DataSource, In, LessThan } from 'typeorm';
import { type JobSnapshot, SNAPSHOTS } from './snapshot';

export interface JobFilter {
  limit: number;
  /** Jobs older than this one: the keyset cursor. */
  before?: string;
  status?: JobStatus;
  operation?: string;
}

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

  /** Newest first; ids are UUIDv7, so their order is that of creation. */
  async list(ownerId: string, filter: JobFilter): Promise<Job[]> {
    return this.database.getRepository(Job).find({
      where: {
        owner_id: ownerId,
        ...(filter.before ? { id: LessThan(filter.before) } : {}),
        ...(filter.status ? { status: filter.status } : {}),
        ...(filter.operation ? { operation: filter.operation } : {}),
      },
      order: { id: 'DESC' },
      take: filter.limit,
    });
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
