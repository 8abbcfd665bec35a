import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsNumber, IsOptional, Max, Min } from 'class-validator';

export class UploadQuery {
  @ApiPropertyOptional({
    minimum: 0,
    maximum: 60,
    example: 10,
    description: 'Wait up to so many seconds until the file is probed; a bad file is then refused with 422',
  })
  @IsOptional()
  @Type(() => Number)
  @IsNumber()
  @Min(0)
  @Max(60)
  wait?: number;
}
