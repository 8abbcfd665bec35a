import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsInt, IsOptional, IsString, IsUUID, Length, Max, Min } from 'class-validator';
import { type Page, PageQuery } from '../http/page';
import { LinkAccessResponse, ListedLinkResponse } from '../present/link.response';

const TEN_YEARS_SECONDS = 315_360_000;
const MAX_DOWNLOADS = 1_000_000;
const MAX_PASSWORD_CHARACTERS = 200;

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

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_DOWNLOADS,
    nullable: true,
    example: 100,
    description:
      'How often the whole file may be fetched, counted in bytes: parts of it use up parts of a download, and what ' +
      'was not sent is given back. Without it there is no limit',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_DOWNLOADS)
  max_downloads?: number | null;

  @ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: MAX_PASSWORD_CHARACTERS,
    nullable: true,
    example: 'a word between us',
    description: 'Visitors must know it. It cannot be shown or changed later',
  })
  @IsOptional()
  @IsString()
  @Length(1, MAX_PASSWORD_CHARACTERS)
  password?: string | null;
}

export class LinkPasswordRequest {
  @ApiProperty({
    type: String,
    minLength: 1,
    maxLength: MAX_PASSWORD_CHARACTERS,
    example: 'a word between us',
  })
  @IsString()
  @Length(1, MAX_PASSWORD_CHARACTERS)
  password: string;
}

export const LINK_STATES = ['active', 'expired', 'revoked', 'exhausted'] as const;
export type LinkState = (typeof LINK_STATES)[number];

export class LinkListQuery extends PageQuery {
  @ApiPropertyOptional({ type: String, format: 'uuid', description: 'Only links of this media' })
  @IsOptional()
  @IsUUID()
  media_id?: string;

  @ApiPropertyOptional({
    enum: LINK_STATES,
    description:
      '`exhausted`: nothing is left of `max_downloads`. A link that is revoked counts as that alone, and one that ' +
      'is expired is not `exhausted`',
  })
  @IsOptional()
  @IsIn(LINK_STATES)
  state?: LinkState;
}

export class LinkPage implements Page<ListedLinkResponse> {
  @ApiProperty({ type: [ListedLinkResponse] })
  data: ListedLinkResponse[];

  @ApiProperty()
  has_more: boolean;

  @ApiProperty({ type: String, nullable: true })
  next_cursor: string | null;
}

export class LinkAccessPage implements Page<LinkAccessResponse> {
  @ApiProperty({ type: [LinkAccessResponse] })
  data: LinkAccessResponse[];

  @ApiProperty()
  has_more: boolean;

  @ApiProperty({ type: String, nullable: true })
  next_cursor: string | null;
}
