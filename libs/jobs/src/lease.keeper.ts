import { performance } from 'node:perf_hooks';
import {
  type BeforeApplicationShutdown,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { type JobProgress, isConnectionError } from '@mediakiln/entities';
import { Log } from '@mediakiln/observability';
import { JobStore, type Lease } from './job.store';
import { WorkerRow } from './worker.row';

/** Why running work is told to end. */
export type AbortReason = 'canceled' | 'lost' | 'drained' | 'timeout';

/** A job in work in this process. */
export interface HeldJob extends Lease {
  abort(reason: AbortReason): void;
  progress: JobProgress;
}

const TICK_MS = 1_000;
/** Without contact to the database for so many leases, running work is given up (ADR 0011). */
const LEASES_WITHOUT_CONTACT = 10;
/** Of the grace time after SIGTERM, the part in which running work may still end by itself. */
const DRAIN_SHARE = 0.7;

/**
 * Keeps the leases of this process: renews them, writes progress, and aborts work whose row is no longer ours, which is
 * how a cancel reaches an engine. One statement a second for all jobs together.
 */
@Injectable()
export class LeaseKeeper implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  /** By attempt, not by job: a slot may win back a job whose lost attempt another slot has not noticed yet. */
  private readonly held = new Set<HeldJob>();
  private timer?: NodeJS.Timeout;
  private drainTimer?: NodeJS.Timeout;
  private renewedAtMs = performance.now();
  private contactAtMs = performance.now();
  private isCutOff = false;
  private draining = false;

  constructor(
    private readonly store: JobStore,
    readonly worker: WorkerRow,
    private readonly config: AppConfig,
    private readonly log: Log,
  ) {}

  get isDraining(): boolean {
    return this.draining;
  }

  onApplicationBootstrap(): void {
    this.schedule();
  }

  hold(job: HeldJob): void {
    this.held.add(job);
  }

  letGo(job: HeldJob): void {
    this.held.delete(job);
  }

  /** For work that must wait for the database: whether it is still worth waiting. */
  get mayWaitForDatabase(): boolean {
    return performance.now() - this.contactAtMs < this.config.leaseSeconds * 1_000 * LEASES_WITHOUT_CONTACT;
  }

  /** From SIGTERM on nothing new is claimed; what does not end in time is killed and given back. */
  beforeApplicationShutdown(): void {
    this.draining = true;
    const graceMs = this.config.shutdownGraceSeconds * 1_000 * DRAIN_SHARE;
    this.drainTimer = setTimeout(() => this.abortAll('drained'), graceMs);
  }

  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    clearTimeout(this.drainTimer);
    this.timer = undefined;
    await this.worker
      .remove()
      .catch((error: unknown) => this.log.debug('worker row not removed', { err: error }));
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      void this.tick().finally(() => {
        if (this.timer) this.schedule();
      });
    }, TICK_MS);
    this.timer.unref();
  }

  private async tick(): Promise<void> {
    try {
      const isRenewalDue =
        performance.now() - this.renewedAtMs >= this.config.heartbeatSeconds * 1_000 - TICK_MS / 2;
      if (isRenewalDue) await this.renew();
      else await this.look();
      await this.worker.report(Object.fromEntries([...this.held].map((job) => [job.id, job.progress])));
      this.contactAtMs = performance.now();
      if (this.isCutOff) this.log.info('database is back');
      this.isCutOff = false;
    } catch (error) {
      this.onFailure(error);
    }
  }

  private async renew(): Promise<void> {
    this.renewedAtMs = performance.now();
    await this.worker.heartbeat();
    if (this.held.size === 0) return;
    const mine = [...this.held];
    const kept = await this.store.renew(mine);
    if (mine.some((job) => !kept.has(job.id))) await this.look();
  }

  private async look(): Promise<void> {
    if (this.held.size === 0) return;
    const mine = [...this.held];
    const standing = await this.store.standing(mine.map((job) => job.id));
    for (const job of mine) {
      const row = standing.get(job.id);
      if (row?.status === 'processing' && row.epoch === job.epoch) continue;
      if (!this.held.has(job)) continue; // settled by ourselves while we looked
      job.abort(row?.status === 'canceled' && row.epoch === job.epoch ? 'canceled' : 'lost');
    }
  }

  private onFailure(error: unknown): void {
    if (!isConnectionError(error)) this.log.error('heartbeat failed', { err: error });
    else if (!this.isCutOff)
      this.log.warn('database is away, running work goes on', { jobs: this.held.size });
    this.isCutOff = true;
    if (!this.mayWaitForDatabase) this.abortAll('lost');
  }

  private abortAll(reason: AbortReason): void {
    for (const job of this.held) job.abort(reason);
  }
}
