import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from './bigint';
import { User } from './user.entity';

/** `tus`: the resumable protocol. `chunks`: numbered parts of a form. `multipart`: one body, only while it arrives. */
export type UploadProtocol = 'tus' | 'chunks' | 'multipart';

/** An upload on its way: what is promised, what has arrived durably, and whose turn it is to write. */
@Entity('upload')
@Index('upload_owner_id_file_id_key', ['owner_id', 'file_id'], { unique: true, where: 'file_id IS NOT NULL' })
@Index('upload_owner_id_idx', ['owner_id'])
@Index('upload_expires_at_idx', ['expires_at'])
export class Upload {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'upload_pkey' })
  id: string;

  @Column('uuid')
  @ForeignKey(() => User, { name: 'upload_owner_id_fkey', onDelete: 'CASCADE' })
  owner_id: string;

  @Column('text')
  protocol: UploadProtocol;

  @Column('text')
  name: string;

  /** tus: the client's Upload-Metadata. */
  @Column('jsonb', { nullable: true })
  metadata: Record<string, string | null> | null;

  /** Bytes of the whole; null: not known yet. */
  @Column('bigint', { nullable: true, transformer: bigintAsNumber })
  length: number | null;

  /** Bytes that are on the disk for good: never more than are. */
  @Column('bigint', { default: 0, transformer: bigintAsNumber })
  offset: number;

  /** What counts against the owner's quota until the media does. */
  @Column('bigint', { default: 0, transformer: bigintAsNumber })
  reserved_bytes: number;

  /** tus concatenation: a part of a whole, or the whole of `part_ids` in that order. */
  @Column('text', { nullable: true })
  concat: 'partial' | 'final' | null;

  @Column('uuid', { array: true, default: () => "'{}'" })
  part_ids: string[];

  /** Chunks: the client's own name for the set, and how many there will be. */
  @Column('text', { nullable: true })
  file_id: string | null;

  @Column('int', { nullable: true })
  total_chunks: number | null;

  /** What became of it. */
  @Column('uuid', { nullable: true })
  media_id: string | null;

  /** The request that writes now; its lock lapses unless it is renewed. */
  @Column('uuid', { nullable: true })
  locked_by: string | null;

  @Column('timestamptz', { nullable: true })
  locked_until: Date | null;

  @Column('timestamptz')
  expires_at: Date;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;

  @Column('timestamptz', { nullable: true })
  finished_at: Date | null;
}
