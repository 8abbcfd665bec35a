import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { AppError, type Probe } from '@mediakiln/contracts';
import { type Job, isConnectionError } from '@mediakiln/entities';
import { isObjectGone } from '@mediakiln/media';
import { type AnyOperation, validateParams } from '@mediakiln/operations';
import { Inputs, type JobSource } from './inputs';
import { JobStore } from './job.store';
import { type AbortReason, type HeldJob, LeaseKeeper } from './lease.keeper';
import { type Execution, type ExecutionResult, MediaExecutor } from './media-executor';
import { Outputs, type StagedOutputs } from './outputs';
import type { SettledJob } from './settlement';
import { Workdirs } from './workdir';

const DATABASE_RETRY_MS = 1_000;
const PUT_TRIES = 3;

/** What ended an attempt from outside; the executor's own error is then beside the point. */
export class Aborted extends Error {
  constructor(readonly reason: AbortReason) {
    super(`aborted: ${reason}`);
  }
}

/** How an attempt went: settled by us, or not ours any more (`null`). */
export type AttemptResult = SettledJob | null;

/** One attempt of one claimed job, from its inputs to its settled outputs. What it throws, the runner judges. */
@Injectable()
export class JobAttempt {
  constructor(
    private readonly store: JobStore,
    private readonly inputs: Inputs,
    private readonly outputs: Outputs,
    private readonly workdirs: Workdirs,
    private readonly leases: LeaseKeeper,
  ) {}

  /** @throws Aborted, AppError */
  async run(job: Job, operation: AnyOperation, executor: MediaExecutor): Promise<AttemptResult> {
    const controller = new AbortController();
    const held: HeldJob = {
      id: job.id,
      epoch: job.epoch,
      progress: { percent: 0, stage: 'starting', eta_seconds: null },
      abort: (reason) => controller.abort(new Aborted(reason)),
    };
    this.leases.hold(held);
    let workdir: string | undefined;
    try {
      workdir = await this.workdirs.open(job);
      return await this.work(job, operation, executor, { held, workdir, controller });
    } catch (error) {
      throw controller.signal.aborted ? controller.signal.reason : error;
    } finally {
      this.leases.letGo(held);
      if (workdir !== undefined) await this.workdirs.close(workdir);
    }
  }

  private async work(
    job: Job,
    operation: AnyOperation,
    executor: MediaExecutor,
    { held, workdir, controller }: { held: HeldJob; workdir: string; controller: AbortController },
  ): Promise<AttemptResult> {
    const sources = await this.inputs.find(job, operation);
    const params = validateParams(operation, job.params);
    if (sources.some((source) => 'url' in source)) held.progress.stage = 'fetching';
    const { signal } = controller;
    const inputs = await this.inputs.materialize(sources, { operation, executor, workdir, signal });
    const probes = inputs.map((input) => input.probe).filter((probe): probe is Probe => probe !== null);
    if (operation.role === 'transform') operation.check(probes, params);
    const timeoutSeconds = operation.timeoutSeconds(probes, params);
    const timer = setTimeout(() => controller.abort(new Aborted('timeout')), timeoutSeconds * 1_000);
    try {
      const execution: Execution = {
        job_id: job.id,
        operation,
        params,
        workdir,
        inputs,
        signal,
        onProgress: (progress) => {
          held.progress =
            progress.percent >= held.progress.percent
              ? progress
              : { ...progress, percent: held.progress.percent };
        },
      };
      signal.throwIfAborted();
      const result = await executor.execute(execution);
      signal.throwIfAborted();
      return await this.finish(job, sources, result);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Bytes first, rows after: a crash between the two leaves an orphan object, never a completed job without its file. */
  private async finish(
    job: Job,
    sources: readonly JobSource[],
    result: ExecutionResult,
  ): Promise<AttemptResult> {
    const staged = await this.outputs.stage(job, sources, result.outputs);
    try {
      await this.patiently(() => this.outputs.admit(job, staged));
      for (let attempt = 1; ; attempt += 1) {
        try {
          await this.patiently(() => this.outputs.put(job, staged));
          return await this.settle(job, staged, result);
        } catch (error) {
          // The sweeper took the object between put and settle: the bytes are still staged, so put them again.
          if (!isObjectGone(error) || attempt === PUT_TRIES) throw error;
        }
      }
    } finally {
      await this.outputs.discard(staged);
    }
  }

  private async settle(job: Job, staged: StagedOutputs, result: ExecutionResult): Promise<AttemptResult> {
    let tries = 0;
    const settled = await this.patiently(() => {
      tries += 1;
      return this.store.settle({
        id: job.id,
        epoch: job.epoch,
        operation: job.operation,
        purpose: job.purpose,
        to: 'completed',
        reason: 'done',
        outputs: staged.rows,
        facts: result.facts,
        report: result.report,
      });
    });
    if (settled || tries === 1) return settled;
    // The connection may have broken after the commit: then the row already says what we wanted to write.
    const standing = (await this.store.standing([job.id])).get(job.id);
    return standing?.status === 'completed' && standing.epoch === job.epoch
      ? { job, released: [], isBatchWaiting: false }
      : null;
  }

  /** Finished work waits for a database that is away instead of being thrown away (ADR 0011). */
  private async patiently<T>(act: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (!isConnectionError(error) || !this.leases.mayWaitForDatabase) throw error;
        await sleep(DATABASE_RETRY_MS);
      }
    }
  }
}

export const timeoutError = (operation: AnyOperation): AppError =>
  new AppError('job_timeout', `${operation.name} took longer than this input is allowed`);
