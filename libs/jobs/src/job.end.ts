import { Injectable } from '@nestjs/common';
import { AppError, type ErrorCode, type Topic } from '@mediakiln/contracts';
import { type Job, isConnectionError } from '@mediakiln/entities';
import { HostBusy } from '@mediakiln/net';
import { Log, Meter, failSpan } from '@mediakiln/observability';
import { findOperation } from '@mediakiln/operations';
import { JobDispatcher } from './job.dispatcher';
import { type GiveBack, JobStore, MAX_FAILURES } from './job.store';
import type { SettledJob } from './settlement';

const BACKOFF_BASE_SECONDS = 2;
const BACKOFF_FACTOR = 4;
/** How often a job looks for an input that is still being probed, and how long it may wait in all, also for hosts. */
const NOT_READY_PAUSE_SECONDS = 1;
const MAX_DEFERRED_SECONDS = 3_600;

const ENGINES = { image: 'sharp', video: 'ffmpeg' } as const;
/** Failures after which an engine's run has to be started anew: the run is to blame, not the file. */
const RESTARTS: Partial<Record<ErrorCode, 'crashed' | 'hung' | 'timeout'>> = {
  engine_crashed: 'crashed',
  engine_hung: 'hung',
  job_timeout: 'timeout',
};

/** 2 s after the first failure, 8 s after the second, each with up to half as much jitter. */
export function backoffSeconds(failures: number, random = Math.random()): number {
  return BACKOFF_BASE_SECONDS * BACKOFF_FACTOR ** failures * (1 + random / 2);
}

/** What happens when an attempt is over: the job's next state, one log line, the doorbells that follow. */
@Injectable()
export class JobEnd {
  constructor(
    private readonly store: JobStore,
    private readonly dispatcher: JobDispatcher,
    private readonly meter: Meter,
    private readonly log: Log,
  ) {}

  async completed(settled: SettledJob): Promise<void> {
    this.tell(settled.job, 'completed');
    await this.ring(settled.released.map((topic) => [topic, 1]));
  }

  /** The claim was lost while we worked: whoever owns the job now decides, our result is dropped. */
  stale(job: Job): void {
    this.meter.staleCompletions.inc();
    this.log.warn('stale completion rejected', namesOf(job));
  }

  /** Someone else moved the row while we worked. */
  gone(job: Job, reason: 'canceled' | 'lost'): void {
    this.log.info('work aborted', { ...namesOf(job), reason });
  }

  async drained(job: Job): Promise<void> {
    await this.giveBack(job, { reason: 'drained', delaySeconds: 0 });
  }

  /** Fails the job, or gives it back when another try may help. */
  async failed(job: Job, error: AppError): Promise<void> {
    failSpan(error.code);
    this.countRestart(job, error);
    if (isConnectionError(error)) {
      // Nothing can be written now: the lease lapses and the sweeper gives the job back.
      this.log.warn('database lost during the attempt', namesOf(job));
      return;
    }
    const pauseSeconds = pauseOf(error);
    const restSeconds = MAX_DEFERRED_SECONDS - job.deferred_seconds;
    if (pauseSeconds !== null && restSeconds > 0)
      return this.giveBack(job, {
        reason: 'deferred',
        delaySeconds: Math.min(pauseSeconds, restSeconds),
        error: error.code === 'host_busy' ? error : undefined,
      });
    this.log.debug('attempt failed', {
      ...namesOf(job),
      code: error.code,
      err: error.options.cause ?? error,
    });
    if (error.retryable && pauseSeconds === null && job.failures + 1 < MAX_FAILURES)
      return this.giveBack(job, { reason: 'retry', delaySeconds: backoffSeconds(job.failures), error });
    const settled = await this.store.settle({
      id: job.id,
      epoch: job.epoch,
      to: 'failed',
      reason: 'error',
      error,
    });
    if (settled) this.tell(settled.job, 'failed', error);
    else this.stale(job);
  }

  async ring(rings: Iterable<readonly [Topic, number]>): Promise<void> {
    await this.dispatcher.ring(rings);
  }

  private async giveBack(job: Job, back: GiveBack): Promise<void> {
    if (!(await this.store.giveBack(job, back))) return this.stale(job);
    this.log.info('job given back', {
      ...namesOf(job),
      reason: back.reason,
      code: back.error?.code,
    });
    if (back.delaySeconds === 0) await this.ring([[job.topic, 1]]);
  }

  private countRestart(job: Job, error: AppError): void {
    const reason = RESTARTS[error.code];
    const engine = findOperation(job.operation)?.engine;
    if (reason && engine) this.meter.engineRestarts.inc({ engine: ENGINES[engine], reason });
  }

  private tell(job: Job, status: string, error?: AppError): void {
    this.log.info('job settled', {
      ...namesOf(job),
      status,
      duration_ms:
        job.finished_at && job.claimed_at ? job.finished_at.getTime() - job.claimed_at.getTime() : null,
      code: error?.code,
      err: error?.options.cause,
    });
  }
}

/** How long what went wrong wants to be waited for; null when it did not say, and a pause of our own has to do. */
function pauseOf(error: AppError): number | null {
  if (error.code === 'media_not_ready') return NOT_READY_PAUSE_SECONDS;
  return error instanceof HostBusy ? error.retryAfterSeconds : null;
}

/** What every line about an attempt names. */
const namesOf = (job: Job): Record<string, unknown> => ({
  job_id: job.id,
  owner_id: job.owner_id,
  request_id: job.request_id,
  operation: job.operation,
  attempt: job.epoch,
});
