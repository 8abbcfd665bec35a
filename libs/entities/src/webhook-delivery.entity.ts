import type { DeliveryStatus, WebhookEventType } from '@mediakiln/contracts';
import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { User } from './user.entity';
import { WebhookEndpoint } from './webhook-endpoint.entity';

/**
 * One message to one receiver, written in the transaction of what it tells of. Its id is the `webhook-id`; its body is
 * rendered at the first try and never changes.
 */
@Entity('webhook_delivery')
@Index('webhook_delivery_owner_id_id_idx', ['owner_id', 'id'])
@Index('webhook_delivery_endpoint_id_id_idx', ['endpoint_id', 'id'])
@Index('webhook_delivery_due_idx', ['owner_id', 'next_at'], { where: "status = 'pending'" })
@Index('webhook_delivery_finished_at_idx', ['finished_at'], { where: 'finished_at IS NOT NULL' })
export class WebhookDelivery {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'webhook_delivery_pkey' })
  id: string;

  @Column('uuid')
  @ForeignKey(() => User, { name: 'webhook_delivery_owner_id_fkey', onDelete: 'CASCADE' })
  owner_id: string;

  /** Null: to the `url` that a request gave. */
  @Column('uuid', { nullable: true })
  @ForeignKey(() => WebhookEndpoint, { name: 'webhook_delivery_endpoint_id_fkey', onDelete: 'CASCADE' })
  endpoint_id: string | null;

  @Column('text', { nullable: true })
  url: string | null;

  @Column('text')
  event_type: WebhookEventType;

  @Column('uuid', { nullable: true })
  job_id: string | null;

  @Column('uuid', { nullable: true })
  batch_id: string | null;

  /** JSON, exactly as it is signed and sent. */
  @Column('text', { nullable: true })
  body: string | null;

  @Column('text', { default: 'pending' })
  status: DeliveryStatus;

  @Column('int', { default: 0 })
  attempts: number;

  @Column('timestamptz', { default: () => 'now()' })
  next_at: Date;

  /** Until then some gateway sends it. */
  @Column('timestamptz', { nullable: true })
  claimed_until: Date | null;

  /** HTTP status of the last try that was answered. */
  @Column('int', { nullable: true })
  last_status: number | null;

  @Column('text', { nullable: true })
  last_error: string | null;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;

  @Column('timestamptz', { nullable: true })
  finished_at: Date | null;
}
