import {
  DELIVERY_STATUSES,
  type DeliveryStatus,
  WEBHOOK_EVENTS,
  type WebhookEvent,
  type WebhookEventType,
} from '@mediakiln/contracts';
import type { WebhookAttempt, WebhookDelivery, WebhookEndpoint } from '@mediakiln/entities';
import { ApiProperty } from '@nestjs/swagger';

export const ENDPOINT_EVENTS = ['*', ...WEBHOOK_EVENTS] as const;

export class WebhookEndpointResponse {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ format: 'uri', example: 'https://example.com/hooks/mediakiln' })
  url: string;

  @ApiProperty({ example: 'our shop' })
  description: string;

  @ApiProperty({ enum: ENDPOINT_EVENTS, isArray: true, example: ['*'] })
  events: (WebhookEvent | '*')[];

  @ApiProperty({ description: 'It is not called, and events of that time are not kept for it' })
  disabled: boolean;

  @ApiProperty({
    type: String,
    enum: ['gone', 'by_owner'],
    nullable: true,
    description: '`gone`: it answered 410. `by_owner`: you disabled it',
  })
  disabled_reason: 'gone' | 'by_owner' | null;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'Until then the secret before the present one signs, too',
  })
  previous_secret_until: string | null;

  @ApiProperty({ format: 'date-time' })
  created_at: string;
}

const SECRET = {
  example: 'whsec_NDFmMTk1YmQ0ZDg0NGM0OGE5ZTc1YjQyZjgwYzIyNTg=',
  description: 'Shown this once. Receivers verify `webhook-signature` with it',
};

export class NewWebhookEndpointResponse extends WebhookEndpointResponse {
  @ApiProperty(SECRET)
  secret: string;
}

export class WebhookSecretResponse {
  @ApiProperty(SECRET)
  secret: string;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'Until then the secret before this one signs, too',
  })
  previous_secret_until: string | null;
}

export class WebhookDeliveryResponse {
  @ApiProperty({ format: 'uuid', description: 'The `webhook-id` of every try' })
  id: string;

  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    description: 'Null: it goes to the `webhook_url` of a request',
  })
  endpoint_id: string | null;

  @ApiProperty({ type: String, enum: [...WEBHOOK_EVENTS, 'test'], example: 'job.completed' })
  event_type: WebhookEventType;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  job_id: string | null;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  batch_id: string | null;

  @ApiProperty({
    enum: DELIVERY_STATUSES,
    enumName: 'DeliveryStatus',
    description:
      '`failed`: after the last try. `dropped`: its endpoint was disabled, or what it tells of is gone',
  })
  status: DeliveryStatus;

  @ApiProperty({ type: 'integer', example: 1, description: 'Tries since it was made, or sent again by hand' })
  attempts: number;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'Of the next try' })
  next_at: string | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 200, description: 'What was answered last' })
  last_status: number | null;

  @ApiProperty({
    type: String,
    nullable: true,
    example: null,
    description: 'Why there was no answer, as a code',
  })
  last_error: string | null;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  finished_at: string | null;
}

export class WebhookAttemptResponse {
  @ApiProperty({ type: 'integer', minimum: 1, example: 1 })
  attempt: number;

  @ApiProperty({ format: 'date-time' })
  at: string;

  @ApiProperty({ type: 'integer', example: 42 })
  duration_ms: number;

  @ApiProperty({ type: 'integer', nullable: true, example: 200, description: 'Null: there was no answer' })
  status: number | null;

  @ApiProperty({ type: String, nullable: true, example: null, description: 'Why there was none, as a code' })
  error: string | null;
}

export class WebhookDeliveryDetailsResponse extends WebhookDeliveryResponse {
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description: 'What is sent: rendered at the first try, and the same ever after. Null until then',
  })
  body: Record<string, unknown> | null;

  @ApiProperty({ type: [WebhookAttemptResponse], description: 'Every try, oldest first' })
  tries: WebhookAttemptResponse[];
}

/** An endpoint with an address; its secrets stay here. */
export function presentWebhookEndpoint(endpoint: WebhookEndpoint): WebhookEndpointResponse {
  return {
    id: endpoint.id,
    url: endpoint.url ?? '',
    description: endpoint.description,
    events: endpoint.events,
    disabled: endpoint.disabled_at !== null,
    disabled_reason: endpoint.disabled_reason,
    previous_secret_until: untilOf(endpoint),
    created_at: endpoint.created_at.toISOString(),
  };
}

export function presentWebhookSecret(endpoint: WebhookEndpoint, secret: string): WebhookSecretResponse {
  return { secret, previous_secret_until: untilOf(endpoint) };
}

const untilOf = ({ previous_secret_until: until }: WebhookEndpoint): string | null =>
  until && until.getTime() > Date.now() ? until.toISOString() : null;

export function presentWebhookDelivery(delivery: WebhookDelivery): WebhookDeliveryResponse {
  return {
    id: delivery.id,
    endpoint_id: delivery.endpoint_id,
    event_type: delivery.event_type,
    job_id: delivery.job_id,
    batch_id: delivery.batch_id,
    status: delivery.status,
    attempts: delivery.attempts,
    next_at: delivery.status === 'pending' ? delivery.next_at.toISOString() : null,
    last_status: delivery.last_status,
    last_error: delivery.last_error,
    created_at: delivery.created_at.toISOString(),
    finished_at: delivery.finished_at?.toISOString() ?? null,
  };
}

export function presentDeliveryDetails(
  delivery: WebhookDelivery,
  attempts: readonly WebhookAttempt[],
): WebhookDeliveryDetailsResponse {
  return {
    ...presentWebhookDelivery(delivery),
    body: delivery.body === null ? null : (JSON.parse(delivery.body) as Record<string, unknown>),
    tries: attempts.map(({ attempt, at, duration_ms, status, error }) => ({
      attempt,
      at: at.toISOString(),
      duration_ms,
      status,
      error,
    })),
  };
}
