import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import type { Job } from '@mediakiln/entities';
import { ChainMoves, JobDispatcher, JobReader, type JobSnapshot, JobStore } from '@mediakiln/jobs';
import type { Answered } from '../http/idempotency';
import { type JobListQuery, lastIdOf } from './job.query';
import { JobOrders } from './job.orders';
import type { JobRequest } from './job.request';

/** What a request may do to the caller's jobs. */
@Injectable()
export class JobsService {
  constructor(
    private readonly orders: JobOrders,
    private readonly store: JobStore,
    private readonly chains: ChainMoves,
    private readonly reader: JobReader,
    private readonly dispatcher: JobDispatcher,
  ) {}

  /** @returns of a request by steps, the job of the last one. */
  create(
    ownerId: string,
    request: JobRequest,
    by: { requestId: string; key?: string },
  ): Promise<Answered<Job>> {
    return this.orders.place(ownerId, request, by);
  }

  /** `latest` is the caller's newest job. @throws AppError not_found */
  async find(ownerId: string, id: string): Promise<JobSnapshot> {
    const job = id === 'latest' ? await this.reader.latest(ownerId) : await this.reader.find(ownerId, id);
    if (!job)
      throw new AppError('not_found', id === 'latest' ? 'You have no jobs yet' : `There is no job ${id}`);
    return job;
  }

  /** One row more than `limit` tells that there is another page. */
  list(ownerId: string, query: JobListQuery): Promise<Job[]> {
    const { limit, cursor: _opaque, ...filter } = query;
    return this.reader.list(ownerId, { ...filter, limit: limit + 1, after: lastIdOf(query) });
  }

  /** With a job of a chain the others end as well. A canceled job stays canceled, so asking twice is no error. */
  async cancel(ownerId: string, id: string): Promise<JobSnapshot> {
    const job = await this.find(ownerId, id);
    const ended =
      job.chain_id === null
        ? await this.store.settle({
            id: job.id,
            owner_id: ownerId,
            to: 'canceled',
            reason: 'canceled_by_user',
            error: new AppError('conflict', 'The job was canceled'),
          })
        : await this.chains.cancel(ownerId, job.chain_id);
    const now = await this.find(ownerId, job.id);
    if (!ended && now.status !== 'canceled')
      throw new AppError(
        'job_already_settled',
        `The job is ${now.status} since ${now.finished_at?.toISOString()}`,
      );
    return now;
  }

  /** A chain goes on where it ended. */
  async retry(ownerId: string, id: string): Promise<JobSnapshot> {
    const job = await this.find(ownerId, id);
    const retried = await this.retried(ownerId, job);
    if (retried.length === 0)
      throw new AppError(
        'job_not_retryable',
        `The job is ${job.status}; only failed or canceled ones can be retried`,
      );
    await this.dispatcher.ring(retried.filter(({ due }) => due).map(({ topic }) => [topic, 1]));
    return this.find(ownerId, job.id);
  }

  private async retried(ownerId: string, { id, chain_id, status }: Job): Promise<Job[]> {
    if (chain_id === null) {
      const job = await this.store.retry(ownerId, id);
      return job ? [job] : [];
    }
    return status === 'completed' ? [] : this.chains.retry(ownerId, chain_id);
  }
}
