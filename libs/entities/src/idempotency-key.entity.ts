import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { User } from './user.entity';

/** What an `Idempotency-Key` made. Written in the transaction that made it, kept for a day. */
@Entity('idempotency_key')
@Index('idempotency_key_created_at_idx', ['created_at'])
export class IdempotencyKey {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'idempotency_key_pkey' })
  @ForeignKey(() => User, { name: 'idempotency_key_owner_id_fkey', onDelete: 'CASCADE' })
  owner_id: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'idempotency_key_pkey' })
  key: string;

  /** SHA-256 over route and body, hex; of an upload over the route and the media's own SHA-256. */
  @Column('text')
  request_hash: string;

  @Column('uuid')
  resource_id: string;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;
}
