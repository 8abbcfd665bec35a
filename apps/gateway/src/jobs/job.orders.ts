import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import type { Job } from '@mediakiln/entities';
import { JobDispatcher, JobReader, type NewJob } from '@mediakiln/jobs';
import { OwnerQuota } from '@mediakiln/media';
import { uuidv7 } from 'uuidv7';
import { type Answered, Idempotency, goneSince } from '../http/idempotency';
import { keyedRequest } from '../http/idempotency-key';
import { JobInputs } from './job.inputs';
import { type PlannedJob, planOf } from './job.plan';
import type { JobRequest } from './job.request';

/** Turns a request into jobs. */
@Injectable()
export class JobOrders {
  constructor(
    private readonly idempotency: Idempotency,
    private readonly dispatcher: JobDispatcher,
    private readonly reader: JobReader,
    private readonly inputs: JobInputs,
    private readonly quota: OwnerQuota,
  ) {}

  /**
   * The rows first, the doorbell after the commit: accepted work needs no broker.
   * @returns the job whose outputs are what was asked for: of a chain, the last.
   * @throws AppError quota_exceeded, and what is wrong with the request
   */
  async place(
    ownerId: string,
    request: JobRequest,
    { requestId, key }: { requestId: string; key?: string },
  ): Promise<Answered<Job>> {
    const keyed = keyedRequest(ownerId, key, 'POST /v1/jobs', request);
    const madeBefore = await this.idempotency.madeBefore(keyed);
    if (madeBefore !== undefined) return this.again(ownerId, madeBefore);
    const plan = planOf(request);
    if (request.run_at && request.delay_seconds !== undefined)
      throw new AppError('validation_failed', 'Give run_at or delay_seconds, not both', {
        errors: [{ pointer: '/run_at', code: 'conflict', detail: 'not together with delay_seconds' }],
      });
    const rows = await this.rowsOf(ownerId, plan, request, requestId);
    await this.quota.refuseFull(ownerId);
    // One statement, however many they are: without a key it needs no transaction around it.
    const once = await this.idempotency.once(keyed, async (tx) => {
      const { jobs, rings } = await this.dispatcher.insert(tx, rows);
      const last = jobs.at(-1)!;
      return { id: last.id, job: last, rings };
    });
    if ('madeBefore' in once) return this.again(ownerId, once.madeBefore);
    await this.dispatcher.ring(once.made.rings);
    return { resource: once.made.job, isReplay: false };
  }

  /** Each waits for the one before it, so whatever an earlier one makes is there; only the first may be delayed. */
  private async rowsOf(
    ownerId: string,
    plan: readonly PlannedJob[],
    request: JobRequest,
    requestId: string,
  ): Promise<NewJob[]> {
    const { inputs, dependsOn } = await this.inputs.resolve(ownerId, plan, request.inputs);
    const ids = plan.map(() => uuidv7());
    return plan.map(({ operation, params }, index) => ({
      id: ids[index],
      owner_id: ownerId,
      operation: operation.name,
      inputs: inputs[index]!.map((one) =>
        'job' in one ? { job_id: ids[one.job]!, output: one.output } : one,
      ),
      params: { ...params },
      metadata: request.metadata ?? null,
      priority: request.priority ?? 0,
      ...(index === 0 && { run_at: request.run_at, delay_seconds: request.delay_seconds }),
      depends_on: index === 0 ? dependsOn : ids[index - 1],
      chain_id: plan.length > 1 ? ids[0] : null,
      request_id: requestId,
      webhook_url: request.webhook_url ?? null,
    }));
  }

  private async again(ownerId: string, id: string): Promise<Answered<Job>> {
    const job = await this.reader.find(ownerId, id);
    if (!job) throw goneSince();
    return { resource: job, isReplay: true };
  }
}
