import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsNumber, IsOptional, Max, Min } from 'class-validator';

const MAX_WAIT_SECONDS = 60;

/** How long a query may keep its answer waiting. */
export const IsWaitSeconds = (documented: { description: string; example: number }): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({ minimum: 0, maximum: MAX_WAIT_SECONDS, ...documented }),
    IsOptional(),
    Type(() => Number),
    IsNumber(),
    Min(0),
    Max(MAX_WAIT_SECONDS),
  );
