import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Batch } from './batch.entity';

/** One address of one row of a batch. Rows that name the same address share its job. */
@Entity('batch_image')
@Index('batch_image_job_id_idx', ['job_id'])
export class BatchImage {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'batch_image_pkey' })
  @ForeignKey(() => Batch, { name: 'batch_image_batch_id_fkey', onDelete: 'CASCADE' })
  batch_id: string;

  /** From 1, the header and blank rows aside. */
  @PrimaryColumn('int', { primaryKeyConstraintName: 'batch_image_pkey' })
  row: number;

  /** From 1, in the order of the row. */
  @PrimaryColumn('int', { primaryKeyConstraintName: 'batch_image_pkey' })
  position: number;

  @Column('text')
  url: string;

  @Column('uuid')
  job_id: string;

  @Column('text', { nullable: true })
  serial_number: string | null;

  @Column('text', { nullable: true })
  product_name: string | null;
}
