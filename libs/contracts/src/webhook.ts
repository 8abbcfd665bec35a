/** What a webhook endpoint can subscribe to: a public contract. */
export const WEBHOOK_EVENTS = [
  'job.completed',
  'job.failed',
  'job.canceled',
  'batch.completed',
  'batch.completed_with_errors',
  'batch.failed',
  'batch.canceled',
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** `test`: asked for by hand, of any endpoint. */
export type WebhookEventType = WebhookEvent | 'test';

/** `failed`: after the last try. `dropped`: its endpoint was disabled. */
export const DELIVERY_STATUSES = ['pending', 'delivered', 'failed', 'dropped'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];
