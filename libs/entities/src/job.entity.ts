import type { ErrorCode, JobStatus, Topic } from '@mediakiln/contracts';
import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { User } from './user.entity';

/**
 * A media of the owner, an address that the worker fetches, or what an earlier job of the same chain makes: `output` is
 * the variant.
 */
export type JobInput = { media_id: string } | { url: string } | { job_id: string; output: string };

/** `probe`: of an upload. `thumbnail`: asked for by a GET of it. `batch`: of an address in a list. */
export type JobPurpose = 'request' | 'probe' | 'thumbnail' | 'batch';

/** A unit of work. Only libs/jobs writes its status; a worker's writes carry `epoch`. */
@Entity('job')
// The claim's index has a descending column, which only the migration can say.
@Index('job_claim_idx', { synchronize: false })
@Index('job_running_idx', ['topic', 'owner_id'], { where: "status = 'processing'" })
@Index('job_last_claim_idx', ['topic', 'owner_id', 'claimed_at'])
@Index('job_lease_idx', ['lease_until'], { where: "status = 'processing'" })
@Index('job_waiting_idx', ['run_at'], { where: "status = 'pending' AND NOT due" })
@Index('job_owner_id_purpose_id_idx', ['owner_id', 'purpose', 'id'])
// GIN over the inputs, for the jobs of one media: the decorator has no word for it.
@Index('job_inputs_idx', { synchronize: false })
@Index('job_batch_id_idx', ['batch_id'], { where: 'batch_id IS NOT NULL' })
@Index('job_batch_unsettled_idx', ['batch_id', 'id'], {
  where: "batch_id IS NOT NULL AND status IN ('pending', 'processing')",
})
@Index('job_chain_id_idx', ['chain_id', 'id'], { where: 'chain_id IS NOT NULL' })
@Index('job_depends_on_idx', ['depends_on'], { where: 'depends_on IS NOT NULL' })
export class Job {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'job_pkey' })
  id: string;

  @Column('uuid')
  @ForeignKey(() => User, { name: 'job_owner_id_fkey' })
  owner_id: string;

  @Column('text')
  topic: Topic;

  @Column('text')
  operation: string;

  @Column('jsonb')
  inputs: JobInput[];

  @Column('jsonb', { default: () => "'{}'" })
  params: Record<string, unknown>;

  @Column('jsonb', { nullable: true })
  metadata: Record<string, unknown> | null;

  @Column('text', { default: 'pending' })
  status: JobStatus;

  /** Claimable now: set at insert, by the sweeper at `run_at`, or by the settling of `depends_on`. */
  @Column('boolean', { default: true })
  due: boolean;

  @Column('int', { default: 0 })
  priority: number;

  @Column('timestamptz', { default: () => 'now()' })
  run_at: Date;

  /** The fencing token: grows with every claim and never shrinks. */
  @Column('int', { default: 0 })
  epoch: number;

  /** Own errors and crashes of its engine, since creation or the last retry by hand. */
  @Column('int', { default: 0 })
  failures: number;

  /** Leases that lapsed, counted likewise. */
  @Column('int', { default: 0 })
  deaths: number;

  /** Seconds that the job was deferred in total because a remote host asked to wait. */
  @Column('int', { default: 0 })
  deferred_seconds: number;

  @Column('timestamptz', { nullable: true })
  lease_until: Date | null;

  /** `worker.boot_id` of the last claim. */
  @Column('uuid', { nullable: true })
  worker_id: string | null;

  @Column('timestamptz', { nullable: true })
  claimed_at: Date | null;

  /** First claim. */
  @Column('timestamptz', { nullable: true })
  started_at: Date | null;

  @Column('timestamptz', { nullable: true })
  finished_at: Date | null;

  @Column('text', { nullable: true })
  error_code: ErrorCode | null;

  @Column('text', { nullable: true })
  error_detail: string | null;

  /** What the operation tells about how it was done, such as a trim's mode and actual times. */
  @Column('jsonb', { nullable: true })
  report: Record<string, unknown> | null;

  @Column('uuid', { nullable: true })
  depends_on: string | null;

  /** Several jobs of one request that work on each other's outputs share this: the id of the first of them. */
  @Column('uuid', { nullable: true })
  chain_id: string | null;

  /** No foreign key: whoever removes a batch removes its jobs first. */
  @Column('uuid', { nullable: true })
  batch_id: string | null;

  /** Why it exists. Only what a request asked for is in the owner's lists; the others can be read by id. */
  @Column('text', { default: 'request' })
  purpose: JobPurpose;

  /** Told when the job has ended. */
  @Column('text', { nullable: true })
  webhook_url: string | null;

  /** W3C trace context of the request, so that the attempt belongs to the same trace. */
  @Column('text', { nullable: true })
  traceparent: string | null;

  /** The HTTP request that created it. */
  @Column('text', { nullable: true })
  request_id: string | null;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;
}
