import {
  AppError,
  BATCH_STATUSES,
  type BatchStatus,
  JOB_STATUSES,
  type JobStatus,
} from '@mediakiln/contracts';
import { LIST_ORDERS, type ListOrder } from '@mediakiln/entities';
import type { ImagePosition } from '@mediakiln/jobs';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { type Page, PageQuery, decodeCursor } from '../http/page';
import { IsTimestamp } from '../http/timestamp';
import { BatchImageResponse } from '../present/batch-image.response';
import { BatchResponse } from '../present/batch.response';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NUMBER = /^[1-9]\d{0,8}$/;

export class BatchListQuery extends PageQuery {
  @ApiPropertyOptional({ enum: BATCH_STATUSES, example: 'processing' })
  @IsOptional()
  @IsIn(BATCH_STATUSES)
  status?: BatchStatus;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    description: 'Only batches that were created later than this',
    example: '2026-01-01T00:00:00Z',
  })
  @IsOptional()
  @IsTimestamp()
  created_after?: Date;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    description: 'Only batches that were created earlier than this',
    example: '2100-01-01T00:00:00Z',
  })
  @IsOptional()
  @IsTimestamp()
  created_before?: Date;

  @ApiPropertyOptional({ enum: LIST_ORDERS, default: 'newest', description: 'A cursor goes with its order' })
  @IsOptional()
  @IsIn(LIST_ORDERS)
  order: ListOrder = 'newest';
}

/** A cursor belongs to the order that it was made in: in the other one it would point the wrong way. */
export const cursorKeyOf = (order: ListOrder, id: string): readonly string[] => [order, id];

/** @throws AppError invalid_cursor */
export function lastIdOf({ cursor, order }: BatchListQuery): string | undefined {
  if (cursor === undefined) return undefined;
  const [madeIn, id] = decodeCursor(cursor, 2);
  if (madeIn !== order || !id || !UUID.test(id)) throw new AppError('invalid_cursor');
  return id;
}

export class BatchImagesQuery extends PageQuery {
  @ApiPropertyOptional({ enum: JOB_STATUSES, description: 'Only images whose job is in this state' })
  @IsOptional()
  @IsIn(JOB_STATUSES)
  status?: JobStatus;
}

export const positionKeyOf = ({ row, position }: ImagePosition): readonly string[] => [
  `${row}`,
  `${position}`,
];

/** @throws AppError invalid_cursor */
export function lastPositionOf({ cursor }: BatchImagesQuery): ImagePosition | undefined {
  if (cursor === undefined) return undefined;
  const [row = '', position = ''] = decodeCursor(cursor, 2);
  if (!NUMBER.test(row) || !NUMBER.test(position)) throw new AppError('invalid_cursor');
  return { row: Number(row), position: Number(position) };
}

export class BatchPage implements Page<BatchResponse> {
  @ApiProperty({ type: [BatchResponse] })
  data: BatchResponse[];

  @ApiProperty()
  has_more: boolean;

  @ApiProperty({ type: String, nullable: true })
  next_cursor: string | null;
}

export class BatchImagePage implements Page<BatchImageResponse> {
  @ApiProperty({ type: [BatchImageResponse] })
  data: BatchImageResponse[];

  @ApiProperty()
  has_more: boolean;

  @ApiProperty({ type: String, nullable: true })
  next_cursor: string | null;
}
