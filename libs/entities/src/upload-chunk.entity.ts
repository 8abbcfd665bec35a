import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from './bigint';
import { Upload } from './upload.entity';

/** A numbered part of an upload that has arrived durably. */
@Entity('upload_chunk')
export class UploadChunk {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'upload_chunk_pkey' })
  @ForeignKey(() => Upload, { name: 'upload_chunk_upload_id_fkey', onDelete: 'CASCADE' })
  upload_id: string;

  /** From 1. */
  @PrimaryColumn('int', { primaryKeyConstraintName: 'upload_chunk_pkey' })
  number: number;

  @Column('bigint', { transformer: bigintAsNumber })
  bytes: number;

  /** Hex. */
  @Column('text')
  sha256: string;
}
