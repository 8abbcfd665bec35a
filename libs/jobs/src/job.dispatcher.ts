import { Injectable } from '@nestjs/common';
import { AppError, type Topic } from '@mediakiln/contracts';
import {
  Job,
  type JobInput,
  type JobPurpose,
  type PreparedStatement,
  columnsOf,
  queryPrepared,
} from '@mediakiln/entities';
import { Doorbell } from '@mediakiln/messaging';
import { Log, Meter, activeTraceparent, inSpan } from '@mediakiln/observability';
import { findOperation, topicOf } from '@mediakiln/operations';
import type { EntityManager } from 'typeorm';
import { uuidv7 } from 'uuidv7';

export interface NewJob {
  /** Given where another row of the same transaction refers to it. */
  id?: string;
  owner_id: string;
  operation: string;
  inputs: JobInput[];
  params?: Record<string, unknown>;
  metadata?: Record<string, unknown> | null;
  /** Higher runs earlier among the owner's own jobs. */
  priority?: number;
  /** The earliest start: a time, or seconds from the insert on. */
  run_at?: Date;
  delay_seconds?: number;
  /** Runs only after this job completed. */
  depends_on?: string | null;
  request_id?: string | null;
  /** Default: `request`. */
  purpose?: JobPurpose;
  webhook_url?: string | null;
  batch_id?: string | null;
  /** The first of the jobs of one request that work on each other's outputs; its own id where it is the first. */
  chain_id?: string | null;
  /** Default: the span that is active. */
  traceparent?: string;
}

/** What to ring once the transaction has committed. */
export interface RingTicket {
  jobs: Job[];
  rings: Map<Topic, number>;
}

/** More rings than this say nothing new: a slot that was rung works until the topic is empty. */
export const MAX_RINGS = 100;

const INSERTED = `
WITH given AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS x (
    id uuid, owner_id uuid, topic text, operation text, inputs jsonb, params jsonb, metadata jsonb,
    priority int, run_at timestamptz, delay_seconds float8, depends_on uuid, request_id text,
    purpose text, webhook_url text, traceparent text, batch_id uuid, chain_id uuid)),
timed AS (
  SELECT given.*, coalesce(run_at, now() + make_interval(secs => coalesce(delay_seconds, 0))) AS starts_at FROM given),
inserted AS (
  INSERT INTO job (id, owner_id, topic, operation, inputs, params, metadata, priority, run_at, due, depends_on, request_id,
    purpose, webhook_url, traceparent, batch_id, chain_id)
  SELECT id, owner_id, topic, operation, inputs, params, metadata, priority, starts_at,
    starts_at <= now() AND (depends_on IS NULL OR EXISTS
      (SELECT FROM job step WHERE step.id = timed.depends_on AND step.status = 'completed')),
    depends_on, request_id, purpose, webhook_url, traceparent, batch_id, chain_id
  FROM timed
  RETURNING *),
trail AS (
  INSERT INTO job_event (job_id, status, attempt, reason) SELECT id, 'pending', 0, 'created' FROM inserted)`;

const INSERT: PreparedStatement = {
  name: 'insert_jobs',
  text: `${INSERTED} SELECT ${columnsOf(Job, 'inserted')} FROM inserted ORDER BY id`,
};

/** Hands out nothing but how many are due. */
const INSERT_MANY: PreparedStatement = {
  name: 'insert_many_jobs',
  text: `${INSERTED} SELECT topic, count(*)::int AS due FROM inserted WHERE due GROUP BY topic`,
};

/** Puts jobs in: the row in the caller's transaction, the doorbell after its commit. */
@Injectable()
export class JobDispatcher {
  constructor(
    private readonly doorbell: Doorbell,
    private readonly log: Log,
    private readonly meter: Meter,
  ) {}

  /** @returns the rows in the given order, and the ticket for `ring`. @throws AppError unknown_operation */
  async insert(tx: EntityManager, jobs: readonly NewJob[]): Promise<RingTicket> {
    const rows = rowsOf(jobs);
    const inserted = await queryPrepared<Job>(tx, INSERT, [JSON.stringify(rows)]);
    const byId = new Map(inserted.map((job) => [job.id, job]));
    const rings = new Map<Topic, number>();
    for (const job of inserted) if (job.due) rings.set(job.topic, (rings.get(job.topic) ?? 0) + 1);
    return { jobs: rows.map((row) => byId.get(row.id)!), rings };
  }

  /** For lists: the rows are not read back. @throws AppError unknown_operation */
  async insertMany(tx: EntityManager, jobs: readonly NewJob[]): Promise<Pick<RingTicket, 'rings'>> {
    const due = await queryPrepared<{ topic: Topic; due: number }>(tx, INSERT_MANY, [
      JSON.stringify(rowsOf(jobs)),
    ]);
    return { rings: new Map(due.map((row) => [row.topic, row.due])) };
  }

  /** After the commit. Never fails: when the transport is away, the sweeper rings later. */
  async ring(rings: Iterable<readonly [Topic, number]>): Promise<void> {
    for (const [topic, count] of rings) {
      try {
        const rung = Math.min(count, MAX_RINGS);
        await inSpan(
          {
            name: `ring ${topic}`,
            kind: 'producer',
            attributes: { 'media.topic': topic, 'media.rings': rung },
          },
          () => this.doorbell.ring(topic, rung),
        );
      } catch (error) {
        this.meter.failedRings.inc();
        this.log.debug('ring failed, the sweeper will ring', { topic, err: error });
      }
    }
  }
}

function rowsOf(jobs: readonly NewJob[]) {
  const traceparent = activeTraceparent();
  return jobs.map((job) => ({
    priority: 0,
    params: {},
    metadata: null,
    purpose: 'request',
    traceparent,
    ...job,
    id: job.id ?? uuidv7(),
    topic: topicOf(operationOf(job)),
  }));
}

function operationOf(job: NewJob) {
  const operation = findOperation(job.operation);
  if (!operation)
    throw new AppError('unknown_operation', `There is no operation named ${JSON.stringify(job.operation)}`);
  return operation;
}
