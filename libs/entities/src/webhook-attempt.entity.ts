import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { WebhookDelivery } from './webhook-delivery.entity';

/** One try of one delivery. */
@Entity('webhook_attempt')
export class WebhookAttempt {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'webhook_attempt_pkey' })
  @ForeignKey(() => WebhookDelivery, { name: 'webhook_attempt_delivery_id_fkey', onDelete: 'CASCADE' })
  delivery_id: string;

  /** From 1. */
  @PrimaryColumn('int', { primaryKeyConstraintName: 'webhook_attempt_pkey' })
  attempt: number;

  @Column('timestamptz', { default: () => 'now()' })
  at: Date;

  @Column('int')
  duration_ms: number;

  /** What the receiver answered; null when it did not. */
  @Column('int', { nullable: true })
  status: number | null;

  /** One of our codes, such as `url_blocked`. */
  @Column('text', { nullable: true })
  error: string | null;
}
