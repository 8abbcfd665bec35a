import type { JobStatus, MoveReason } from '@mediakiln/contracts';
import { Column, Entity, ForeignKey, Index, PrimaryGeneratedColumn } from 'typeorm';
import { bigintAsNumber } from './bigint';
import { Job } from './job.entity';

/** One move of a job: the status trail that users see. */
@Entity('job_event')
@Index('job_event_job_id_id_idx', ['job_id', 'id'])
export class JobEvent {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'job_event_pkey',
  })
  id: string;

  @Column('uuid')
  @ForeignKey(() => Job, { name: 'job_event_job_id_fkey', onDelete: 'CASCADE' })
  job_id: string;

  @Column('text')
  status: JobStatus;

  /** The job's epoch at that time, which counts its attempts. */
  @Column('int', { transformer: bigintAsNumber })
  attempt: number;

  @Column('text')
  reason: MoveReason;

  @Column('timestamptz', { default: () => 'now()' })
  at: Date;
}
