import { performance } from 'node:perf_hooks';
import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { AppConfig } from '@mediakiln/config';
import { SWEEP_DUTY, type SweepDuty, isConnectionError } from '@mediakiln/entities';
import { Log, Meter } from '@mediakiln/observability';
import { DataSource } from 'typeorm';

/** A duty that finds a row locked, as by a process that is frozen in a transaction, leaves the turn to the next one. */
const LOCK_WITHIN_MS = 1_000;

/**
 * Runs every registered duty again and again, each in one short transaction under its own lock: any number of replicas
 * may sweep. What it repairs is counted; a healthy system repairs nothing.
 */
@Injectable()
export class JobSweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private duties: { duty: SweepDuty; nextAtMs: number }[] = [];
  private seenSinceMs: number | null = null;
  private timer?: NodeJS.Timeout;
  private running: Promise<void> = Promise.resolve();
  private readonly failing = new Set<string>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly database: DataSource,
    private readonly config: AppConfig,
    private readonly log: Log,
    private readonly meter: Meter,
  ) {}

  onApplicationBootstrap(): void {
    this.duties = this.discovery
      .getProviders()
      .filter(({ metatype }) => metatype && Reflect.getMetadata(SWEEP_DUTY, metatype) === true)
      .map(({ instance }) => ({ duty: instance as SweepDuty, nextAtMs: 0 }));
    if (new Set(this.dutyNames).size !== this.duties.length)
      throw new Error('two sweeper duties have the same name');
    this.schedule();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.running;
  }

  get dutyNames(): string[] {
    return this.duties.map(({ duty }) => duty.name);
  }

  /** One round over the duties that are due; `all` ignores their pace. For the timer and for tests. */
  async sweep(all = false): Promise<void> {
    for (const entry of this.duties) {
      if (!all && performance.now() < entry.nextAtMs) continue;
      entry.nextAtMs = performance.now() + entry.duty.everyMs;
      await this.run(entry.duty);
    }
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      this.running = this.sweep().finally(() => {
        if (this.timer) this.schedule();
      });
    }, this.config.sweepSeconds * 1_000);
    this.timer.unref();
  }

  private async run(duty: SweepDuty): Promise<void> {
    try {
      const repaired = await this.database.transaction(async (tx) => {
        const [lock] = await tx.query<{ taken: boolean }[]>(
          `SELECT pg_try_advisory_xact_lock(hashtext($1)) AS taken, set_config('lock_timeout', $2, true)`,
          [`mediakiln:${duty.name}`, `${LOCK_WITHIN_MS}ms`],
        );
        this.seenSinceMs ??= performance.now();
        if (!lock?.taken) return 0;
        return duty.sweep(tx, { databaseSeenMs: performance.now() - this.seenSinceMs });
      });
      this.failing.delete(duty.name);
      if (repaired === 0) return;
      this.meter.sweeperRepairs.inc({ duty: duty.name }, repaired);
      this.log.info('sweeper repaired', { duty: duty.name, rows: repaired });
    } catch (error) {
      if (isConnectionError(error)) this.seenSinceMs = null;
      if (!this.failing.has(duty.name)) this.log.warn('sweeper duty failed', { duty: duty.name, err: error });
      this.failing.add(duty.name);
    }
  }
}
