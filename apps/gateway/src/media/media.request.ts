import { MEDIA_KINDS, MEDIA_STATUSES, type MediaKind, type MediaStatus } from '@mediakiln/contracts';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsNumber, IsOptional, IsString, Max, Min } from 'class-validator';
import { type Page, PageQuery } from '../http/page';
import { MediaResponse } from '../present/media.response';

export class MediaListQuery extends PageQuery {
  @ApiPropertyOptional({ enum: MEDIA_KINDS })
  @IsOptional()
  @IsIn(MEDIA_KINDS)
  kind?: MediaKind;

  @ApiPropertyOptional({ enum: MEDIA_STATUSES })
  @IsOptional()
  @IsIn(MEDIA_STATUSES)
  status?: MediaStatus;
}

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

/** The signature of an address that was given out. */
export class SignatureQuery {
  @ApiPropertyOptional({ description: 'Part of a signed `content_url`' })
  @IsOptional()
  @IsString()
  exp?: string;

  @ApiPropertyOptional({ description: 'Part of a signed `content_url`' })
  @IsOptional()
  @IsString()
  sig?: string;
}

export class MediaPage implements Page<MediaResponse> {
  @ApiProperty({ type: [MediaResponse] })
  data: MediaResponse[];

  @ApiProperty()
  has_more: boolean;

  @ApiProperty({ type: String, nullable: true })
  next_cursor: string | null;
}
