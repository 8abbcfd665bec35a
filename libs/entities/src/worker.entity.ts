import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

export interface JobProgress {
  /** 0-100, never shrinking within an attempt. */
  percent: number;
  stage: string;
  eta_seconds: number | null;
}

/** A process that runs jobs, from its boot on. */
@Entity('worker')
@Index('worker_heartbeat_at_idx', ['heartbeat_at'])
export class Worker {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'worker_pkey' })
  boot_id: string;

  @Column('text')
  hostname: string;

  @Column('int')
  pid: number;

  @Column('text', { array: true })
  operations: string[];

  /** Engine name -> version, such as `{"sharp": "0.35.5", "ffmpeg": "5.1.9"}`. */
  @Column('jsonb', { default: () => "'{}'" })
  versions: Record<string, string>;

  @Column('text', { array: true, default: () => "'{}'" })
  encoders: string[];

  /** Job id -> progress: kept here and not on the job, so that progress costs one write per worker. */
  @Column('jsonb', { default: () => "'{}'" })
  current_jobs: Record<string, JobProgress>;

  @Column('timestamptz', { default: () => 'now()' })
  started_at: Date;

  @Column('timestamptz', { default: () => 'now()' })
  heartbeat_at: Date;
}
