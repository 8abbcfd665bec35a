import { ERRORS, JOB_STATUSES, type JobStatus } from '@mediakiln/contracts';
import type { BatchImageSnapshot } from '@mediakiln/jobs';
import type { MediaUrls } from '@mediakiln/media';
import { ApiProperty } from '@nestjs/swagger';
import { JobErrorResponse } from './job.response';
import { MediaResponse, presentMedia } from './media.response';

export class BatchImageResponse {
  @ApiProperty({
    type: 'integer',
    minimum: 1,
    example: 1,
    description: 'From 1, the header and blank rows aside',
  })
  row: number;

  @ApiProperty({ type: 'integer', minimum: 1, example: 1, description: 'Among the addresses of its row' })
  position: number;

  @ApiProperty({ type: String, nullable: true, example: '1' })
  serial_number: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'SKU1' })
  product_name: string | null;

  @ApiProperty({ example: 'https://example.com/1.jpg' })
  url: string;

  @ApiProperty({ enum: JOB_STATUSES, enumName: 'JobStatus' })
  status: JobStatus;

  @ApiProperty({ type: JobErrorResponse, nullable: true })
  error: JobErrorResponse | null;

  @ApiProperty({ type: MediaResponse, nullable: true, description: 'Null until `completed`' })
  output: MediaResponse | null;

  @ApiProperty({ format: 'uuid', description: 'Addresses that are the same share their job and its output' })
  job_id: string;
}

/** One address of one row of a batch, as clients see it. */
export function presentBatchImage(image: BatchImageSnapshot, urls: MediaUrls): BatchImageResponse {
  return {
    row: image.row,
    position: image.position,
    serial_number: image.serial_number,
    product_name: image.product_name,
    url: image.url,
    status: image.status,
    error: image.error_code && {
      code: image.error_code,
      message: ERRORS[image.error_code].title,
      detail: image.error_detail ?? '',
    },
    output: image.output && presentMedia(image.output, urls),
    job_id: image.job_id,
  };
}
