import { Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';
import { User } from './user.entity';

/**
 * A refresh token that was given out. It is used once; the next of the same login shares its family, so that a token
 * which turns up again betrays the theft and ends them all.
 */
@Entity('session')
@Unique('session_refresh_hash_key', ['refresh_hash'])
@Index('session_user_id_idx', ['user_id'])
@Index('session_family_id_idx', ['family_id'])
@Index('session_expires_at_idx', ['expires_at'])
export class Session {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'session_pkey' })
  id: string;

  @Column('uuid')
  @ForeignKey(() => User, { name: 'session_user_id_fkey', onDelete: 'CASCADE' })
  user_id: string;

  /** The login. Access tokens name it as `sid`. */
  @Column('uuid')
  family_id: string;

  /** SHA-256 of the refresh token, hex. */
  @Column('text')
  refresh_hash: string;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;

  /** When it was traded for the next one. */
  @Column('timestamptz', { nullable: true })
  used_at: Date | null;

  @Column('timestamptz')
  expires_at: Date;
}
