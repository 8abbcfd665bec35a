import { AppError, JOB_STATUSES, type JobStatus } from '@mediakiln/contracts';
import { LIST_ORDERS, type ListOrder } from '@mediakiln/entities';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, IsOptional, Matches } from 'class-validator';
import { PageQuery, decodeCursor } from '../http/page';
import { IsTimestamp } from '../http/timestamp';
import { IsWaitSeconds } from '../http/wait-seconds';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Lists hold what requests asked for. */
export class JobListQuery extends PageQuery {
  @ApiPropertyOptional({ enum: JOB_STATUSES, example: 'completed' })
  @IsOptional()
  @IsIn(JOB_STATUSES)
  status?: JobStatus;

  @ApiPropertyOptional({ example: 'image.compress', pattern: '^[a-z0-9_.]{1,100}$' })
  @IsOptional()
  @Matches(/^[a-z0-9_.]{1,100}$/, { message: 'operation must be a name such as image.compress' })
  operation?: string;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    description: 'Only jobs that were created later than this',
    example: '2026-01-01T00:00:00Z',
  })
  @IsOptional()
  @IsTimestamp()
  created_after?: Date;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    description: 'Only jobs that were created earlier than this',
    example: '2100-01-01T00:00:00Z',
  })
  @IsOptional()
  @IsTimestamp()
  created_before?: Date;

  @ApiPropertyOptional({ format: 'uuid', description: 'Only jobs that have this media as an input' })
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.toLowerCase() : value))
  @Matches(UUID, { message: 'media_id must be a media id' })
  media_id?: string;

  @ApiPropertyOptional({ enum: LIST_ORDERS, default: 'newest', description: 'A cursor goes with its order' })
  @IsOptional()
  @IsIn(LIST_ORDERS)
  order: ListOrder = 'newest';
}

/** A cursor belongs to the order that it was made in: in the other one it would point the wrong way. */
export const cursorKeyOf = (order: ListOrder, id: string): readonly string[] => [order, id];

/** @throws AppError invalid_cursor */
export function lastIdOf({ cursor, order }: JobListQuery): string | undefined {
  if (cursor === undefined) return undefined;
  const [madeIn, id] = decodeCursor(cursor, 2);
  if (madeIn !== order || !id || !UUID.test(id)) throw new AppError('invalid_cursor');
  return id;
}

export class WaitQuery {
  @IsWaitSeconds({ description: 'Wait up to so many seconds for the end of the job', example: 0 })
  wait?: number;
}
