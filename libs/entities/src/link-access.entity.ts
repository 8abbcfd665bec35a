import { Column, Entity, ForeignKey, Index, PrimaryGeneratedColumn } from 'typeorm';
import { bigintAsNumber } from './bigint';
import { ShareLink } from './share-link.entity';

/** One opening of a share link, or one that was refused. */
@Entity('link_access')
@Index('link_access_link_id_id_idx', ['link_id', 'id'])
@Index('link_access_at_idx', ['at'])
export class LinkAccess {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'link_access_pkey',
  })
  id: string;

  @Column('uuid')
  @ForeignKey(() => ShareLink, { name: 'link_access_link_id_fkey', onDelete: 'CASCADE' })
  link_id: string;

  @Column('timestamptz', { default: () => 'now()' })
  at: Date;

  /** Address of the visitor, as TRUST_PROXY lets us know it. */
  @Column('text')
  ip: string;

  @Column('text', { nullable: true })
  user_agent: string | null;

  @Column('text')
  method: string;

  /** HTTP status of the answer. */
  @Column('int')
  status: number;

  @Column('bigint', { default: 0, transformer: bigintAsNumber })
  bytes_sent: number;
}
