import { Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';
import { bigintAsNumber } from './bigint';

/** An account, which is also the tenant: everything belongs to a user through `owner_id`. */
@Entity('user')
@Unique('user_email_key', ['email'])
@Index('user_deleted_at_idx', ['deleted_at'], { where: 'deleted_at IS NOT NULL' })
export class User {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'user_pkey' })
  id: string;

  /** Lower case. */
  @Column('text')
  email: string;

  /** argon2id, in PHC string form. */
  @Column('text')
  password_hash: string;

  @Column('text', { default: 'user' })
  role: 'user' | 'admin';

  /** Bytes that this account may keep; null: MAX_OWNER_BYTES. */
  @Column('bigint', { nullable: true, transformer: bigintAsNumber })
  quota_bytes: number | null;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;

  /** The account was deleted: nothing lets it in, and the sweeper removes what it owned, then the row. */
  @Column('timestamptz', { nullable: true })
  deleted_at: Date | null;
}
