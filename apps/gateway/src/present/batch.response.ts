import { BATCH_STATUSES, type BatchStatus, type RowError } from '@mediakiln/contracts';
import type { BatchSnapshot } from '@mediakiln/jobs';
import type { MediaUrls } from '@mediakiln/media';
import { ApiProperty } from '@nestjs/swagger';

export class RowErrorResponse implements RowError {
  @ApiProperty({
    type: 'integer',
    minimum: 0,
    example: 3,
    description: 'From 1, the header and blank rows aside; 0 is the header',
  })
  row: number;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'Input Image Urls',
    description: 'As it stands in the header; null: the whole row',
  })
  column: string | null;

  @ApiProperty({ example: 'csv_row_without_url', description: 'Stable' })
  code: string;

  @ApiProperty({ type: String, nullable: true, example: '', description: 'The value, cut where it is long' })
  value: string | null;

  @ApiProperty({ example: 'The cell is empty; give one or more http or https addresses' })
  detail: string;
}

export class BatchResponse {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ format: 'uuid', description: 'The same as `id`' })
  request_id: string;

  @ApiProperty({ enum: BATCH_STATUSES, enumName: 'BatchStatus' })
  status: BatchStatus;

  @ApiProperty({ example: 'image.compress' })
  operation: string;

  @ApiProperty({ type: 'object', additionalProperties: true, example: { quality: 50 } })
  params: Record<string, unknown>;

  @ApiProperty({
    enum: ['reject', 'skip'],
    description: 'What became of rows that are not valid: the whole list was refused, or they were left out',
  })
  on_error: 'reject' | 'skip';

  @ApiProperty({ example: 'products.csv', description: 'Of the uploaded list' })
  name: string;

  @ApiProperty({ type: 'integer', example: 200, description: 'The header and blank rows aside' })
  rows_total: number;

  @ApiProperty({ type: 'integer', example: 200, description: 'Addresses in the rows that are run' })
  images_total: number;

  @ApiProperty({ type: 'integer', example: 198, description: 'With an output' })
  images_processed: number;

  @ApiProperty({ type: 'integer', example: 2, description: 'Failed or canceled, with no try left' })
  images_failed: number;

  @ApiProperty({
    type: [RowErrorResponse],
    description: 'Rows that were left out, up to a limit; all of them are in the result',
  })
  errors: RowErrorResponse[];

  @ApiProperty({
    type: String,
    format: 'uri',
    nullable: true,
    description: 'As the request gave it',
    example: 'https://example.com/hooks/mediakiln',
  })
  webhook_url: string | null;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  finished_at: string | null;

  @ApiProperty({ format: 'uri' })
  status_url: string;

  @ApiProperty({ format: 'uri' })
  images_url: string;

  @ApiProperty({ format: 'uri', description: 'The list with what became of each address; at any time' })
  result_url: string;

  @ApiProperty({ format: 'uri' })
  cancel_url: string;

  @ApiProperty({ format: 'uri' })
  retry_url: string;
}

/** A batch as clients see it. */
export function presentBatch(batch: BatchSnapshot, urls: MediaUrls): BatchResponse {
  const self = urls.absolute(`/v1/batches/${batch.id}`);
  return {
    id: batch.id,
    request_id: batch.id,
    status: batch.status,
    operation: batch.operation,
    params: batch.params,
    on_error: batch.on_error,
    name: batch.name,
    rows_total: batch.rows_total,
    images_total: batch.images_total,
    images_processed: batch.images_processed,
    images_failed: batch.images_failed,
    errors: batch.errors,
    webhook_url: batch.webhook_url,
    created_at: batch.created_at.toISOString(),
    finished_at: batch.finished_at?.toISOString() ?? null,
    status_url: self,
    images_url: `${self}/images`,
    result_url: `${self}/result.csv`,
    cancel_url: `${self}/cancel`,
    retry_url: `${self}/retry-failed`,
  };
}
