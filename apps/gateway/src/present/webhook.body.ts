import type { WebhookEventType } from '@mediakiln/contracts';
import type { BatchImage } from '@mediakiln/entities';
import type { BatchSnapshot } from '@mediakiln/jobs';
import type { MediaUrls } from '@mediakiln/media';
import { type BatchResponse, presentBatch } from './batch.response';
import { BATCH_WORDS } from './batch.words';

/** Of a batch that are listed in a body; whoever has more finds them all at `rows_url`. */
export const MOST_ROWS = 1_000;

export type ProductRow = Pick<BatchImage, 'row' | 'serial_number' | 'product_name'>;

export interface BatchEventData extends BatchResponse {
  rows: ProductRow[];
  /** Null: `rows` has them all. */
  rows_url: string | null;
}

/** What a receiver of one of the older systems looks for, at the top of the body. */
export interface FlatFields {
  request_id: string;
  status: string;
}

/** @param rows of the batch, one more than are told when there are more. */
export function presentBatchEvent(
  batch: BatchSnapshot,
  rows: readonly ProductRow[],
  urls: MediaUrls,
): { data: BatchEventData; flat?: FlatFields } {
  const response = presentBatch(batch, urls);
  const data = {
    ...response,
    rows: rows.slice(0, MOST_ROWS),
    rows_url: rows.length > MOST_ROWS ? response.images_url : null,
  };
  if (batch.dialect === 'v1') return { data };
  return { data, flat: { request_id: batch.id, status: BATCH_WORDS[batch.dialect][batch.status] } };
}

/** The JSON that is signed and sent. */
export function webhookBody(
  { event_type, created_at }: { event_type: WebhookEventType; created_at: Date },
  data: object,
  flat?: FlatFields,
): string {
  return JSON.stringify({ ...flat, type: event_type, timestamp: created_at.toISOString(), data });
}
