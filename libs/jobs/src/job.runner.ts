import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AppError, type Topic } from '@mediakiln/contracts';
import type { Job } from '@mediakiln/entities';
import { inSpan } from '@mediakiln/observability';
import { type AnyOperation, topicOf } from '@mediakiln/operations';
import { Aborted, JobAttempt, timeoutError } from './job.attempt';
import { JobEnd } from './job.end';
import { JobStore } from './job.store';
import { LeaseKeeper } from './lease.keeper';
import { MediaExecutor } from './media-executor';

/** Two concurrent claims may both skip the other's row and come back empty: so an empty one is followed by another. */
const CLAIM_PAUSE_MS = 50;
/** A doorbell that is answered for so long is rung again and acknowledged, well below any consumer timeout. */
const HOLD_MESSAGE_MS = 60_000;

/** The doorbell says nothing of the job, so its span is no parent; the span that asked for the job is. */
const attemptSpan = (job: Job) => ({
  name: `attempt ${job.operation}`,
  parent: job.traceparent,
  isLinked: true,
  attributes: { 'media.job_id': job.id, 'media.operation': job.operation, 'media.attempt': job.epoch },
});

/**
 * Answers doorbells: claims and runs jobs until the topic is empty. Start reading here.
 *
 * Each processor's module provides one of its own, `providers: [{ provide: MediaExecutor, useClass: … }, JobRunner]`,
 * and imports JobsWorkerModule for the rest.
 */
@Injectable()
export class JobRunner implements OnApplicationBootstrap {
  /** Topics on which some slot is about to claim once more. */
  private readonly lookingAgain = new Set<Topic>();

  constructor(
    private readonly executor: MediaExecutor,
    private readonly store: JobStore,
    private readonly attempt: JobAttempt,
    private readonly end: JobEnd,
    private readonly leases: LeaseKeeper,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const engines = await this.executor.engines();
    await this.leases.worker.add({
      operations: this.executor.operations.map((operation) => operation.name),
      ...engines,
    });
  }

  /** One message's worth of work. Resolving acknowledges the doorbell. */
  async answer(topic: Topic): Promise<void> {
    const operations = new Map(
      this.executor.operations
        .filter((operation) => topicOf(operation) === topic)
        .map((one) => [one.name, one]),
    );
    const startedMs = performance.now();
    while (!this.leases.isDraining) {
      const job = await this.claim(topic, [...operations.keys()]);
      if (!job) return;
      const operation = operations.get(job.operation)!;
      await inSpan(attemptSpan(job), () => this.run(job, operation));
      if (performance.now() - startedMs > HOLD_MESSAGE_MS) {
        await this.end.ring([[topic, 1]]);
        return;
      }
    }
  }

  private async claim(topic: Topic, operations: string[]): Promise<Job | null> {
    const { bootId } = this.leases.worker;
    const job = await this.store.claim(topic, operations, bootId);
    // A second look that is still to come also covers this claim: after a burst of rings one slot looks again, and the
    // others let go of their messages at once.
    if (job || this.lookingAgain.has(topic)) return job;
    this.lookingAgain.add(topic);
    await sleep(CLAIM_PAUSE_MS);
    this.lookingAgain.delete(topic);
    return this.store.claim(topic, operations, bootId);
  }

  private async run(job: Job, operation: AnyOperation): Promise<void> {
    try {
      const settled = await this.attempt.run(job, operation, this.executor);
      if (settled) await this.end.completed(settled);
      else this.end.stale(job);
    } catch (error) {
      await this.judge(job, operation, error);
    }
  }

  private async judge(job: Job, operation: AnyOperation, error: unknown): Promise<void> {
    if (!(error instanceof Aborted)) return this.end.failed(job, AppError.from(error));
    switch (error.reason) {
      case 'timeout':
        return this.end.failed(job, timeoutError(operation));
      case 'drained':
        return this.end.drained(job);
      case 'canceled':
      case 'lost':
        return this.end.gone(job, error.reason);
    }
  }
}
