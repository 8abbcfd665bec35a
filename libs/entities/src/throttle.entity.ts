import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** How often something was tried in the window that ends at `ends_at`: logins of an account, requests of a key. */
@Entity('throttle')
@Index('throttle_ends_at_idx', ['ends_at'])
export class Throttle {
  /** What is counted, such as `login:account:<hash>`. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'throttle_pkey' })
  key: string;

  @Column('int')
  used: number;

  @Column('timestamptz')
  ends_at: Date;
}
