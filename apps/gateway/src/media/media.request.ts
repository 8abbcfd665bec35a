import { MEDIA_KINDS, MEDIA_STATUSES, type MediaKind, type MediaStatus } from '@mediakiln/contracts';
import { LIST_ORDERS, type ListOrder } from '@mediakiln/entities';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsOptional,
  IsString,
  Length,
  MaxLength,
  ValidateIf,
} from 'class-validator';
import { type Page, PageQuery } from '../http/page';
import { IsTimestamp } from '../http/timestamp';
import { IsWaitSeconds } from '../http/wait-seconds';
import { MediaResponse } from '../present/media.response';
import { NAME_CHARACTERS, cleanName, cleanTag, visibleText } from '../http/user-text';

const MAX_TAGS = 32;
const TAG_CHARACTERS = 64;
const SIGNATURE_CHARACTERS = 100;

/** Text as we keep it, before it is measured. */
const AsText = (clean: (text: string) => string): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) =>
    Array.isArray(value) ? value.map((one: unknown) => cleaned(one, clean)) : cleaned(value, clean),
  );
const cleaned = (value: unknown, clean: (text: string) => string): unknown =>
  typeof value === 'string' ? clean(value) : value;
/** Left out it stays; null is no value. */
const IfGiven = (): PropertyDecorator => ValidateIf((_object, value) => value !== undefined);

export class MediaListQuery extends PageQuery {
  @ApiPropertyOptional({ enum: MEDIA_KINDS })
  @IsOptional()
  @IsIn(MEDIA_KINDS)
  kind?: MediaKind;

  @ApiPropertyOptional({ enum: MEDIA_STATUSES })
  @IsOptional()
  @IsIn(MEDIA_STATUSES)
  status?: MediaStatus;

  @ApiPropertyOptional({
    minLength: 1,
    maxLength: NAME_CHARACTERS,
    description: 'Part of the name, in whatever case',
  })
  @IsOptional()
  @AsText(visibleText)
  @IsString()
  @Length(1, NAME_CHARACTERS)
  name?: string;

  @ApiPropertyOptional({ minLength: 1, maxLength: TAG_CHARACTERS, description: 'Exactly one of the tags' })
  @IsOptional()
  @AsText(cleanTag)
  @IsString()
  @Length(1, TAG_CHARACTERS)
  tag?: string;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    example: '2020-01-01T00:00:00Z',
    description: 'Only what was created later than this',
  })
  @IsOptional()
  @IsTimestamp()
  created_after?: Date;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    example: '2100-01-01T00:00:00Z',
    description: 'Only what was created earlier than this',
  })
  @IsOptional()
  @IsTimestamp()
  created_before?: Date;

  @ApiPropertyOptional({ enum: LIST_ORDERS, default: 'newest', description: 'A cursor goes with its order' })
  @IsOptional()
  @IsIn(LIST_ORDERS)
  order: ListOrder = 'newest';
}

/** What may be changed of a media. What is left out stays as it is. */
export class MediaPatch {
  @ApiPropertyOptional({
    minLength: 1,
    maxLength: NAME_CHARACTERS,
    example: 'Lofoten at dawn.jpg',
    description:
      'Cleaned as the name of an upload is: without folders, line breaks, control characters and characters that turn ' +
      'the writing direction',
  })
  @IfGiven()
  @AsText(cleanName)
  @IsString()
  @Length(1, NAME_CHARACTERS)
  name?: string;

  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'string', minLength: 1, maxLength: TAG_CHARACTERS },
    maxItems: MAX_TAGS,
    uniqueItems: true,
    example: ['holiday', 'Norway'],
    description: `Up to ${MAX_TAGS} different words of 1 to ${TAG_CHARACTERS} characters; they replace those from before`,
  })
  @IfGiven()
  @AsText(cleanTag)
  @IsArray()
  @ArrayMaxSize(MAX_TAGS)
  @ArrayUnique()
  @IsString({ each: true })
  @Length(1, TAG_CHARACTERS, { each: true })
  tags?: string[];
}

export class MediaWaitQuery {
  @IsWaitSeconds({ description: 'Wait up to so many seconds until the file is probed', example: 10 })
  wait?: number;
}

/** The signature of an address that was given out. */
export class SignatureQuery {
  @ApiPropertyOptional({ maxLength: SIGNATURE_CHARACTERS, description: 'Part of a signed address' })
  @IsOptional()
  @IsString()
  @MaxLength(SIGNATURE_CHARACTERS)
  exp?: string;

  @ApiPropertyOptional({ maxLength: SIGNATURE_CHARACTERS, description: 'Part of a signed address' })
  @IsOptional()
  @IsString()
  @MaxLength(SIGNATURE_CHARACTERS)
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
