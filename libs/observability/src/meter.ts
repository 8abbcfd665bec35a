import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Of the time that passes before and within a job. */
const JOB_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600];
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/**
 * What one process counts, in Prometheus' terms; served on METRICS_PORT. Every label takes its values from a list in the
 * code (routes, operations, topics, states), never from a user: docs/observability.md has them all.
 */
@Injectable()
export class Meter {
  readonly registry = new Registry();
  private readonly registers = [this.registry];

  readonly jobs = new Counter({
    name: 'media_jobs_total',
    help: 'Jobs that this process brought to an end',
    labelNames: ['operation', 'status'] as const,
    registers: this.registers,
  });

  readonly jobDuration = new Histogram({
    name: 'media_job_duration_seconds',
    help: 'Time from the last claim of a job to its end, for jobs that a worker completed or failed',
    labelNames: ['operation'] as const,
    buckets: JOB_SECONDS,
    registers: this.registers,
  });

  readonly queueWait = new Histogram({
    name: 'media_job_queue_wait_seconds',
    help: 'Time from the moment when a job could have run to its claim',
    labelNames: ['topic'] as const,
    buckets: JOB_SECONDS,
    registers: this.registers,
  });

  readonly engineRestarts = new Counter({
    name: 'media_engine_restarts_total',
    help: 'Runs of an engine that crashed, hung or were ended at a time limit, so that the next run is a new one',
    labelNames: ['engine', 'reason'] as const,
    registers: this.registers,
  });

  readonly staleCompletions = new Counter({
    name: 'media_stale_completions_total',
    help: 'Completions that were refused because another worker owned the job',
    registers: this.registers,
  });

  readonly sweeperRepairs = new Counter({
    name: 'media_sweeper_repairs_total',
    help: 'Rows that the sweeper had to repair',
    labelNames: ['duty'] as const,
    registers: this.registers,
  });

  readonly uploadBytes = new Counter({
    name: 'media_upload_bytes_total',
    help: 'Bytes of files that were taken in whole',
    registers: this.registers,
  });

  readonly failedAcks = new Counter({
    name: 'media_failed_acks_total',
    help: 'Acknowledgements that the broker no longer took',
    registers: this.registers,
  });

  readonly failedRings = new Counter({
    name: 'media_failed_rings_total',
    help: 'Doorbells that could not be rung; the sweeper rings them later',
    registers: this.registers,
  });

  readonly requestDuration = new Histogram({
    name: 'media_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: REQUEST_SECONDS,
    registers: this.registers,
  });

  constructor() {
    // With them comes nodejs_eventloop_lag_*.
    collectDefaultMetrics({ register: this.registry });
  }

  /** A gauge that is looked up when somebody asks for the metrics. @param look never rejects. */
  gaugeByTopic(name: string, help: string, look: () => Promise<ReadonlyMap<string, number>>): void {
    new Gauge({
      name,
      help,
      labelNames: ['topic'] as const,
      registers: this.registers,
      async collect() {
        this.reset();
        for (const [topic, value] of await look()) this.set({ topic }, value);
      },
    });
  }
}
