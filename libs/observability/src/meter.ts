import { Injectable } from '@nestjs/common';
import { Counter, Registry, collectDefaultMetrics } from 'prom-client';

/** The counters of one process, in Prometheus' terms; served on METRICS_PORT. */
@Injectable()
export class Meter {
  readonly registry = new Registry();

  readonly jobs = new Counter({
    name: 'media_jobs_total',
    help: 'Jobs that this process brought to an end',
    labelNames: ['operation', 'status'] as const,
    registers: [this.registry],
  });

  readonly staleCompletions = new Counter({
    name: 'media_stale_completions_total',
    help: 'Completions that were refused because another worker owned the job',
    registers: [this.registry],
  });

  readonly sweeperRepairs = new Counter({
    name: 'media_sweeper_repairs_total',
    help: 'Rows that the sweeper had to repair',
    labelNames: ['duty'] as const,
    registers: [this.registry],
  });

  readonly failedAcks = new Counter({
    name: 'media_failed_acks_total',
    help: 'Acknowledgements that the broker no longer took',
    registers: [this.registry],
  });

  readonly failedRings = new Counter({
    name: 'media_failed_rings_total',
    help: 'Doorbells that could not be rung; the sweeper rings them later',
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }
}
