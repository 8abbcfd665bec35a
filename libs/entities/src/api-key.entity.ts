import type { Scope } from '@mediakiln/contracts';
import { Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';
import { User } from './user.entity';

/** A secret for programs: it lasts until it expires or is deleted, and can do what its scopes say. */
@Entity('api_key')
@Unique('api_key_key_hash_key', ['key_hash'])
@Index('api_key_owner_id_id_idx', ['owner_id', 'id'])
export class ApiKey {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'api_key_pkey' })
  id: string;

  @Column('uuid')
  @ForeignKey(() => User, { name: 'api_key_owner_id_fkey', onDelete: 'CASCADE' })
  owner_id: string;

  @Column('text')
  name: string;

  /** The key's first characters, by which its owner tells it from others. */
  @Column('text')
  prefix: string;

  /** SHA-256 of the whole key, hex. */
  @Column('text')
  key_hash: string;

  @Column('text', { array: true })
  scopes: Scope[];

  @Column('timestamptz', { nullable: true })
  expires_at: Date | null;

  /** To the minute: a key in use is not written at every request. */
  @Column('timestamptz', { nullable: true })
  last_used_at: Date | null;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;
}
