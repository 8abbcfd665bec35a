import { Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';
import { bigintAsNumber } from './bigint';
import { Media } from './media.entity';
import { User } from './user.entity';

/** An expirable, revocable public address of one media. The token itself is never stored. */
@Entity('share_link')
@Unique('share_link_token_hash_key', ['token_hash'])
@Index('share_link_media_id_idx', ['media_id'])
@Index('share_link_owner_id_id_idx', ['owner_id', 'id'])
export class ShareLink {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'share_link_pkey' })
  id: string;

  @Column('uuid')
  @ForeignKey(() => User, { name: 'share_link_owner_id_fkey' })
  owner_id: string;

  @Column('uuid')
  @ForeignKey(() => Media, { name: 'share_link_media_id_fkey', onDelete: 'CASCADE' })
  media_id: string;

  /** SHA-256 of the 32 random bytes, hex. */
  @Column('text')
  token_hash: string;

  @Column('timestamptz')
  expires_at: Date;

  @Column('timestamptz', { nullable: true })
  revoked_at: Date | null;

  @Column('int', { nullable: true })
  max_downloads: number | null;

  /** What is left of `max_downloads` times the size of the media; null without a limit. */
  @Column('bigint', { nullable: true, transformer: bigintAsNumber })
  bytes_left: number | null;

  /** argon2id, in PHC string form; null: open to whoever has the address. */
  @Column('text', { nullable: true })
  password_hash: string | null;

  /** Completed or partial GETs that were answered. */
  @Column('bigint', { default: 0, transformer: bigintAsNumber })
  downloads: number;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;
}
