import type { WebhookEvent } from '@mediakiln/contracts';
import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { User } from './user.entity';

/** Where an owner wants to be told, and the secret that signs it. */
@Entity('webhook_endpoint')
@Index('webhook_endpoint_owner_id_id_idx', ['owner_id', 'id'])
@Index('webhook_endpoint_request_key', ['owner_id'], { unique: true, where: 'url IS NULL' })
export class WebhookEndpoint {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'webhook_endpoint_pkey' })
  id: string;

  @Column('uuid')
  @ForeignKey(() => User, { name: 'webhook_endpoint_owner_id_fkey', onDelete: 'CASCADE' })
  owner_id: string;

  /** Null: the one of each owner that signs what goes to the `webhook_url` of a request. */
  @Column('text', { nullable: true })
  url: string | null;

  @Column('text', { default: '' })
  description: string;

  /** `*` is all of them, those that come later too. */
  @Column('text', { array: true })
  events: (WebhookEvent | '*')[];

  /** Encrypted with a key of the installation. */
  @Column('text')
  secret: string;

  /** Signs as well until `previous_secret_until`, so that a receiver can change over. */
  @Column('text', { nullable: true })
  previous_secret: string | null;

  @Column('timestamptz', { nullable: true })
  previous_secret_until: Date | null;

  @Column('timestamptz', { nullable: true })
  disabled_at: Date | null;

  /** `gone`: it answered 410. `by_owner`. */
  @Column('text', { nullable: true })
  disabled_reason: 'gone' | 'by_owner' | null;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;
}
