import { ApiProperty } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';

const TEN_YEARS_SECONDS = 315_360_000;

export class LinkRequest {
  @ApiProperty({
    type: 'integer',
    minimum: 1,
    maximum: TEN_YEARS_SECONDS,
    example: 3600,
    description: 'Seconds until the link stops',
  })
  @IsInt()
  @Min(1)
  @Max(TEN_YEARS_SECONDS)
  expiry_time: number;
}
