import { Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';
import { User } from './user.entity';

/** A login. Its refresh token rotates: the row keeps the hash of the newest only. */
@Entity('session')
@Unique('session_refresh_hash_key', ['refresh_hash'])
@Index('session_user_id_idx', ['user_id'])
@Index('session_expires_at_idx', ['expires_at'])
export class Session {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'session_pkey' })
  id: string;

  @Column('uuid')
  @ForeignKey(() => User, { name: 'session_user_id_fkey', onDelete: 'CASCADE' })
  user_id: string;

  /** SHA-256 of the refresh token, hex. */
  @Column('text')
  refresh_hash: string;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;

  @Column('timestamptz')
  expires_at: Date;
}
