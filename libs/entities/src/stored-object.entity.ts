import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from './bigint';
import { User } from './user.entity';

/**
 * Bytes in the storage, content-addressed within an owner. Any number of media may share one.
 * Only the sweeper deletes it: without media and untouched for an hour.
 */
@Entity('object')
@Index('object_touched_at_idx', ['touched_at'])
export class StoredObject {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'object_pkey' })
  @ForeignKey(() => User, { name: 'object_owner_id_fkey' })
  owner_id: string;

  /** Hex. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'object_pkey' })
  sha256: string;

  @Column('bigint', { transformer: bigintAsNumber })
  bytes: number;

  @Column('timestamptz', { default: () => 'now()' })
  touched_at: Date;
}
