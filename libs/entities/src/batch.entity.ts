import type { BatchDialect, BatchStatus, CsvFormat, RowError } from '@mediakiln/contracts';
import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { StoredObject } from './stored-object.entity';
import { User } from './user.entity';

/** A CSV list of images, and what was made of it. Its counts come from its jobs. */
@Entity('batch')
@ForeignKey(() => StoredObject, ['owner_id', 'csv_sha256'], ['owner_id', 'sha256'], {
  name: 'batch_csv_fkey',
})
@Index('batch_owner_id_id_idx', ['owner_id', 'id'])
@Index('batch_owner_id_csv_sha256_idx', ['owner_id', 'csv_sha256'])
@Index('batch_open_idx', ['created_at'], { where: 'finished_at IS NULL' })
export class Batch {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'batch_pkey' })
  id: string;

  @Column('uuid')
  @ForeignKey(() => User, { name: 'batch_owner_id_fkey' })
  owner_id: string;

  @Column('text', { default: 'pending' })
  status: BatchStatus;

  @Column('text', { default: 'v1' })
  dialect: BatchDialect;

  @Column('text')
  operation: string;

  @Column('jsonb', { default: () => "'{}'" })
  params: Record<string, unknown>;

  @Column('text', { default: 'reject' })
  on_error: 'reject' | 'skip';

  /** Told when the batch has ended. */
  @Column('text', { nullable: true })
  webhook_url: string | null;

  /** Of the uploaded list. */
  @Column('text')
  name: string;

  /** The list as it was uploaded, hex: insertion and the result read it again. */
  @Column('text')
  csv_sha256: string;

  /** How the list is to be read. */
  @Column('jsonb')
  csv_format: CsvFormat;

  /** Rows of the list, the header and blank ones aside. */
  @Column('int')
  rows_total: number;

  /** Addresses in the rows that are run. */
  @Column('int')
  images_total: number;

  /** What is wrong with rows of the list, up to a limit. */
  @Column('jsonb', { default: () => "'[]'" })
  errors: RowError[];

  /** Rows whose images and jobs are there: where insertion goes on after a crash. */
  @Column('int', { default: 0 })
  rows_inserted: number;

  /** All of them are there. */
  @Column('timestamptz', { nullable: true })
  inserted_at: Date | null;

  /** Until then some gateway inserts. */
  @Column('timestamptz', { nullable: true })
  claimed_until: Date | null;

  /** Frozen when the batch is closed; null while its jobs are counted. */
  @Column('int', { nullable: true })
  images_processed: number | null;

  @Column('int', { nullable: true })
  images_failed: number | null;

  @Column('timestamptz', { nullable: true })
  canceled_at: Date | null;

  /** The HTTP request that created it. */
  @Column('text', { nullable: true })
  request_id: string | null;

  @Column('text', { nullable: true })
  traceparent: string | null;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;

  @Column('timestamptz', { nullable: true })
  finished_at: Date | null;
}
