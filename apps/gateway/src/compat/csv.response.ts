import type { BatchDialect } from '@mediakiln/contracts';
import type { BatchSnapshot } from '@mediakiln/jobs';
import { ApiProperty } from '@nestjs/swagger';
import { BATCH_WORDS } from '../present/batch.words';

const REQUEST_ID = {
  format: 'uuid',
  example: '0199d0f2-6b1c-7a54-9d52-3f0c6a1e8b70',
  description: 'Also the id of the batch under /v1/batches',
};

export class CsvUploadResponse {
  @ApiProperty(REQUEST_ID)
  request_id: string;
}

export class CsvStatusResponse {
  @ApiProperty(REQUEST_ID)
  request_id: string;

  @ApiProperty({
    enum: ['Pending', 'In Process', 'Completed', 'Failed'],
    description: 'Until the end `In Process`, or `Pending` where the first column of the list is `S. No.`',
  })
  status: string;

  @ApiProperty({ type: 'integer', example: 3 })
  images_processed: number;

  @ApiProperty({ type: 'integer', example: 5 })
  images_total: number;
}

export class CsvLowerStatusResponse {
  @ApiProperty(REQUEST_ID)
  request_id: string;

  @ApiProperty({ enum: ['pending', 'completed', 'failed'] })
  status: string;
}

const wordOf = (batch: BatchSnapshot, dialect: Exclude<BatchDialect, 'v1'>): string =>
  BATCH_WORDS[dialect][batch.status];

/** One answer with the fields of both systems whose clients ask here. */
export const presentCsvStatus = (batch: BatchSnapshot): CsvStatusResponse => ({
  request_id: batch.id,
  status: wordOf(batch, batch.dialect === 'c' ? 'c' : 'b'),
  images_processed: batch.images_processed,
  images_total: batch.images_total,
});

export const presentCsvLowerStatus = (batch: BatchSnapshot): CsvLowerStatusResponse => ({
  request_id: batch.id,
  status: wordOf(batch, 'd'),
});
