import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import type { Job } from '@mediakiln/entities';
import { JobDispatcher, JobReader, type JobSnapshot, JobStore, type NewJob } from '@mediakiln/jobs';
import { type Answered, Idempotency, goneSince } from '../http/idempotency';
import { keyedRequest } from '../http/idempotency-key';
import { JobInputs } from './job.inputs';
import { type JobListQuery, lastIdOf } from './job.query';
import type { JobRequest } from './job.request';
import { asAsked, orderOf } from './job.steps';

/** What a request may do to the caller's jobs. */
@Injectable()
export class JobsService {
  constructor(
    private readonly idempotency: Idempotency,
    private readonly dispatcher: JobDispatcher,
    private readonly store: JobStore,
    private readonly reader: JobReader,
    private readonly inputs: JobInputs,
  ) {}

  /** The row first, the doorbell after the commit: accepted work needs no broker. */
  async create(
    ownerId: string,
    request: JobRequest,
    { requestId, key }: { requestId: string; key?: string },
  ): Promise<Answered<Job>> {
    const keyed = keyedRequest(ownerId, key, 'POST /v1/jobs', request);
    const madeBefore = await this.idempotency.madeBefore(keyed);
    if (madeBefore !== undefined) return this.again(ownerId, madeBefore);
    const { operation, params } = orderOf(request);
    if (request.run_at && request.delay_seconds !== undefined)
      throw new AppError('validation_failed', 'Give run_at or delay_seconds, not both', {
        errors: [{ pointer: '/run_at', code: 'conflict', detail: 'not together with delay_seconds' }],
      });
    const { inputs, dependsOn } = await this.inputs
      .resolve(ownerId, operation, request.inputs, params)
      .catch((error: unknown) => {
        throw asAsked(request, error);
      });
    const job: NewJob = {
      owner_id: ownerId,
      operation: operation.name,
      inputs,
      params: { ...params },
      metadata: request.metadata ?? null,
      priority: request.priority ?? 0,
      run_at: request.run_at,
      delay_seconds: request.delay_seconds,
      depends_on: dependsOn,
      request_id: requestId,
      webhook_url: request.webhook_url ?? null,
    };
    // One statement: without a key it needs no transaction around it.
    const once = await this.idempotency.once(keyed, async (tx) => {
      const { jobs, rings } = await this.dispatcher.insert(tx, [job]);
      return { id: jobs[0]!.id, job: jobs[0]!, rings };
    });
    if ('madeBefore' in once) return this.again(ownerId, once.madeBefore);
    await this.dispatcher.ring(once.made.rings);
    return { resource: once.made.job, isReplay: false };
  }

  private async again(ownerId: string, id: string): Promise<Answered<Job>> {
    const job = await this.reader.find(ownerId, id);
    if (!job) throw goneSince();
    return { resource: job, isReplay: true };
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

  /** A canceled job stays canceled, so asking twice is no error. */
  async cancel(ownerId: string, id: string): Promise<JobSnapshot> {
    const job = await this.find(ownerId, id);
    const error = new AppError('conflict', 'The job was canceled');
    const settled = await this.store.settle({
      id: job.id,
      owner_id: ownerId,
      to: 'canceled',
      reason: 'canceled_by_user',
      error,
    });
    const now = await this.find(ownerId, job.id);
    if (!settled && now.status !== 'canceled')
      throw new AppError(
        'job_already_settled',
        `The job is ${now.status} since ${now.finished_at?.toISOString()}`,
      );
    return now;
  }

  async retry(ownerId: string, id: string): Promise<JobSnapshot> {
    const job = await this.find(ownerId, id);
    const retried = await this.store.retry(ownerId, job.id);
    if (!retried)
      throw new AppError(
        'job_not_retryable',
        `The job is ${job.status}; only failed or canceled ones can be retried`,
      );
    if (retried.due) await this.dispatcher.ring([[retried.topic, 1]]);
    return this.find(ownerId, job.id);
  }
}
