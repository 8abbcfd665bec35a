import type { ErrorCode, MediaKind, MediaProbe, MediaStatus } from '@mediakiln/contracts';
import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from './bigint';
import { StoredObject } from './stored-object.entity';
import { User } from './user.entity';

/** An uploaded or produced file, as users see it. Its bytes are the object (owner_id, sha256). */
@Entity('media')
@ForeignKey(() => StoredObject, ['owner_id', 'sha256'], ['owner_id', 'sha256'], { name: 'media_object_fkey' })
// Of what is in lists: behind a thousand new thumbnails the newest media is still the first entry.
@Index('media_owner_id_id_idx', ['owner_id', 'id'], { where: 'thumbnail_of IS NULL' })
@Index('media_owner_id_sha256_idx', ['owner_id', 'sha256'])
@Index('media_job_id_variant_key', ['job_id', 'variant'], { unique: true, where: 'variant IS NOT NULL' })
@Index('media_thumbnail_of_key', ['thumbnail_of'], { unique: true, where: 'thumbnail_of IS NOT NULL' })
@Index('media_failed_created_at_idx', ['created_at'], { where: "status = 'failed' AND sha256 IS NOT NULL" })
export class Media {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'media_pkey' })
  id: string;

  @Column('uuid')
  @ForeignKey(() => User, { name: 'media_owner_id_fkey' })
  owner_id: string;

  @Column('text')
  status: MediaStatus;

  @Column('text')
  kind: MediaKind;

  @Column('text')
  name: string;

  /** From our own sniff, never the client's word. */
  @Column('text')
  mime_type: string;

  /** `sniff().container`: image format, or the demuxer that ffmpeg is held to. */
  @Column('text')
  container: string;

  @Column('bigint', { transformer: bigintAsNumber })
  bytes: number;

  /** Hex; null once the bytes of a failed media were released. */
  @Column('text', { nullable: true })
  sha256: string | null;

  @Column('jsonb', { nullable: true })
  probe: MediaProbe | null;

  /** Why the media is `failed`. */
  @Column('text', { nullable: true })
  error_code: ErrorCode | null;

  @Column('text', { nullable: true })
  error_detail: string | null;

  /** The media that this one was made from. */
  @Column('uuid', { array: true, default: () => "'{}'" })
  parent_ids: string[];

  /** Of an upload: its probe job. Of an output: the job that made it. */
  @Column('uuid', { nullable: true })
  job_id: string | null;

  /** Which output of its job this is; null for uploads. */
  @Column('text', { nullable: true })
  variant: string | null;

  /** The owner's own words, for finding it again. */
  @Column('text', { array: true, default: () => "'{}'" })
  tags: string[];

  /** The media whose thumbnail this is; such a one is in no list. */
  @Column('uuid', { nullable: true })
  @ForeignKey(() => Media, { name: 'media_thumbnail_of_fkey', onDelete: 'CASCADE' })
  thumbnail_of: string | null;

  /** The job that makes, or made, the thumbnail of this media: set once, by whoever asks for it first. */
  @Column('uuid', { nullable: true })
  thumbnail_job_id: string | null;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;
}
