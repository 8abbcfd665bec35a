import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError, type MoveReason, type Topic, sourcesOf } from '@mediakiln/contracts';
import { type Job, queryPrepared } from '@mediakiln/entities';
import { MediaStore, outputRows } from '@mediakiln/media';
import { Meter } from '@mediakiln/observability';
import { findOperation } from '@mediakiln/operations';
import { DataSource, EntityManager } from 'typeorm';
import { BatchCloser } from './batch.closer';
import { CLAIM } from './claim.sql';
import { dependencyError } from './dependency';
import { GIVE_BACK, RETRY } from './move.sql';
import { SETTLE } from './settle.sql';
import type { SettledJob, Settlement } from './settlement';

/** Failures of a job itself (its error, its engine's crash) before it is given up. */
export const MAX_FAILURES = 3;
/** Deaths of workers under a job before it is given up: a file that kills its reader must not go round for ever. */
export const MAX_DEATHS = 10;

/** A claimed job is known by its id and the epoch of the claim, the fencing token. */
export interface Lease {
  id: string;
  epoch: number;
}

/** A lease whose worker is gone, and how many died under the job before. */
export interface LapsedLease extends Lease {
  deaths: number;
}

type Completion = Extract<Settlement, { to: 'completed' }>;
type MovedRow = Job & { released: Topic[] | null; is_batch_waiting: boolean };

const TOO_MANY_DEATHS = new AppError('too_many_deaths', `${MAX_DEATHS} workers died while they ran this job`);

export interface GiveBack {
  reason: Extract<MoveReason, 'retry' | 'lapsed' | 'drained' | 'deferred'>;
  delaySeconds: number;
  error?: AppError;
}

/** The only writer of a job's status: every move is one conditional UPDATE, and a worker's moves carry its epoch. */
@Injectable()
export class JobStore {
  constructor(
    private readonly database: DataSource,
    private readonly media: MediaStore,
    private readonly config: AppConfig,
    private readonly meter: Meter,
    private readonly batches: BatchCloser,
  ) {}

  /** The fairest due job of the topic among `operations`, now ours for one lease; null when there is none. */
  async claim(topic: Topic, operations: readonly string[], bootId: string): Promise<Job | null> {
    const [claimed] = await queryPrepared<Job & { ready_at: Date }>(this.database.manager, CLAIM, [
      topic,
      operations,
      bootId,
      this.config.leaseSeconds,
    ]);
    if (!claimed) return null;
    const { ready_at, ...job } = claimed;
    this.meter.queueWait.observe({ topic }, secondsBetween(ready_at, job.claimed_at));
    return job;
  }

  /** Extends the leases that are still ours. @returns their job ids. */
  async renew(leases: readonly Lease[]): Promise<Set<string>> {
    const [rows] = await this.database.query<[{ id: string }[], number]>(
      `UPDATE job SET lease_until = now() + make_interval(secs => $3)
       FROM unnest($1::uuid[], $2::int[]) AS mine (id, epoch)
       WHERE job.id = mine.id AND job.epoch = mine.epoch AND job.status = 'processing'
       RETURNING job.id`,
      [leases.map((lease) => lease.id), leases.map((lease) => lease.epoch), this.config.leaseSeconds],
    );
    return new Set(rows.map((row) => row.id));
  }

  /** What became of jobs that we believe to hold. Read only: cheap enough for every second. */
  async standing(ids: readonly string[]): Promise<Map<string, Pick<Job, 'status' | 'epoch'>>> {
    const rows = await this.database.query<Pick<Job, 'id' | 'status' | 'epoch'>[]>(
      'SELECT id, status, epoch FROM job WHERE id = ANY ($1)',
      [ids],
    );
    return new Map(rows.map((row) => [row.id, row]));
  }

  /**
   * Every terminal move, whoever makes it. In one transaction: the guarded move, the output rows, the facts of a probe,
   * the trail, the release (or end) of the steps that depend on it, the notification.
   * @returns null when the job was not there to be moved: somebody else owns it now, and nothing was written.
   */
  async settle(settlement: Settlement, tx?: EntityManager): Promise<SettledJob | null> {
    const settled = await this.write(settlement, tx);
    if (!settled) return null;
    this.count(settled.job);
    // Only after the commit: of two jobs that end at the same time, one has to see the other. Else the sweeper closes.
    const { job, isBatchWaiting } = settled;
    if (!tx && job.batch_id !== null && !isBatchWaiting) await this.batches.close(job.batch_id);
    return settled;
  }

  private async write(settlement: Settlement, tx?: EntityManager): Promise<SettledJob | null> {
    if (tx) return this.settleIn(tx, settlement);
    if (isOneStatement(settlement)) return this.move(this.database.manager, settlement);
    return this.database.transaction((own) => this.settleIn(own, settlement));
  }

  private count({ operation, status, claimed_at, finished_at }: Job): void {
    this.meter.jobs.inc({ operation, status });
    // A canceled job says nothing of how long the work takes.
    if (status !== 'canceled' && claimed_at)
      this.meter.jobDuration.observe({ operation }, secondsBetween(claimed_at, finished_at));
  }

  /** A worker hands its job back to the queue. @returns false when it was no longer the worker's. */
  async giveBack(lease: Lease, back: GiveBack, tx: EntityManager = this.database.manager): Promise<boolean> {
    const rows = await tx.query<unknown[]>(GIVE_BACK, [
      lease.id,
      lease.epoch,
      back.reason,
      back.delaySeconds,
      back.error?.code ?? null,
      back.error?.detail ?? null,
    ]);
    return rows.length > 0;
  }

  /**
   * By hand: counters start anew, the epoch goes on growing, and a batch that it belongs to is open again.
   * @returns null when the job is in no state for it. @throws AppError job_not_retryable
   */
  async retry(ownerId: string, id: string): Promise<Job | null> {
    return this.database.transaction(async (tx) => {
      const [job] = await tx.query<Job[]>(RETRY, [[id], ownerId, sourcesOf('pending', 'retried_by_hand')]);
      if (job && findOperation(job.operation)?.role === 'facts')
        await this.media.reopen(tx, { owner_id: ownerId, media_id: mediaIdOf(job) });
      if (job?.batch_id && !(await this.batches.reopenIn(tx, job.batch_id, 'job')))
        throw new AppError('job_not_retryable', 'Its batch was canceled; retry what failed in the batch');
      return job ?? null;
    });
  }

  /** At the start of embedded mode: whatever another boot held, nobody holds now. @returns how many were taken back. */
  async reclaimOtherBoots(bootId: string): Promise<number> {
    const held = await this.database.query<LapsedLease[]>(
      "SELECT id, epoch, deaths FROM job WHERE status = 'processing' AND worker_id <> $1",
      [bootId],
    );
    return this.database.transaction(async (tx) => this.takeBack(tx, held));
  }

  /** Leases that lapsed go back to the queue, or end when too many workers died under the job. */
  async takeBack(tx: EntityManager, leases: readonly LapsedLease[]): Promise<number> {
    let taken = 0;
    for (const lease of leases) {
      const isMoved =
        lease.deaths + 1 < MAX_DEATHS
          ? await this.giveBack(lease, { reason: 'lapsed', delaySeconds: 0 }, tx)
          : await this.settle({ ...lease, to: 'failed', reason: 'deaths_limit', error: TOO_MANY_DEATHS }, tx);
      taken += Number(Boolean(isMoved));
    }
    return taken;
  }

  private async settleIn(tx: EntityManager, settlement: Settlement): Promise<SettledJob | null> {
    const moved = await this.move(tx, settlement);
    if (!moved) return null;
    const { job } = moved;
    if (settlement.to === 'completed' && isThumbnail(settlement))
      await this.insertThumbnails(tx, job, settlement);
    if (findOperation(job.operation)?.role === 'facts') await this.settleProbe(tx, job, settlement);
    if (settlement.to !== 'completed') await this.endDependents(tx, job);
    return moved;
  }

  private async move(tx: EntityManager, settlement: Settlement): Promise<SettledJob | null> {
    const error = settlement.to === 'completed' ? undefined : settlement.error;
    const rows = await queryPrepared<MovedRow>(tx, SETTLE, [
      settlement.id,
      settlement.to,
      settlement.reason,
      sourcesOf(settlement.to, settlement.reason),
      settlement.epoch ?? null,
      settlement.owner_id ?? null,
      error?.code ?? null,
      error?.detail ?? null,
      settlement.to === 'completed' ? JSON.stringify(settlement.report ?? null) : null,
      outputRows(settlement.to === 'completed' && !isThumbnail(settlement) ? settlement.outputs : []),
    ]);
    const job = rows[0];
    return job ? { job, released: job.released ?? [], isBatchWaiting: job.is_batch_waiting } : null;
  }

  private async insertThumbnails(tx: EntityManager, job: Job, { outputs }: Completion): Promise<void> {
    for (const output of outputs) {
      const row = { ...output, owner_id: job.owner_id, job_id: job.id };
      await this.media.insertThumbnail(tx, row, mediaIdOf(job));
    }
  }

  private async settleProbe(tx: EntityManager, job: Job, settlement: Settlement): Promise<void> {
    const result =
      settlement.to === 'completed'
        ? { facts: settlement.facts! }
        : { error_code: settlement.error.code, error_detail: settlement.error.detail };
    await this.media.settleProbe(tx, { owner_id: job.owner_id, media_id: mediaIdOf(job), result });
  }

  private async endDependents(tx: EntityManager, job: Job): Promise<void> {
    const dependents = await tx.query<{ id: string }[]>(
      "SELECT id FROM job WHERE depends_on = $1 AND status = 'pending'",
      [job.id],
    );
    const error = dependencyError(job);
    for (const { id } of dependents)
      await this.settle({ id, to: 'canceled', reason: 'dependency_failed', error }, tx);
  }
}

const secondsBetween = (from: Date, to: Date | null): number =>
  Math.max(0, ((to ?? from).getTime() - from.getTime()) / 1_000);

/** Of a job on one media that is no request: a probe or a thumbnail. */
function mediaIdOf({ id, inputs: [input] }: Job): string {
  if (!input || !('media_id' in input)) throw new Error(`job ${id} has no media`);
  return input.media_id;
}

/** Nothing is written but the job itself and what it made, so no transaction around it is needed. */
const isOneStatement = (settlement: Settlement): boolean =>
  settlement.to === 'completed' &&
  !isThumbnail(settlement) &&
  findOperation(settlement.operation)?.role !== 'facts';

/** What it made may have to be dropped: that takes a look at the media that it shows. */
const isThumbnail = (settlement: Completion): boolean => settlement.purpose === 'thumbnail';
