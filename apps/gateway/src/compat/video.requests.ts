import { ApiProperty, ApiPropertyOptional, PickType } from '@nestjs/swagger';
import { VideoTrimParams } from '@mediakiln/operations';
import { Transform } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsInt,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
} from 'class-validator';

/** The parameter of a route, as Swagger tells of it. */
export const VIDEO_ID = {
  name: 'id',
  example: 'latest',
  description: 'A video id, or `latest` for your newest',
};

const TEN_YEARS_SECONDS = 315_360_000;
const DEFAULT_EXPIRY_SECONDS = 60;
const MAX_ID_CHARACTERS = 100;
const MAX_VIDEOS = 100;

/** Seconds, or HH:MM:SS; an end beyond that of the video is the end of the video. */
export class VideoTrimRequest extends PickType(VideoTrimParams, ['start_time', 'end_time'] as const) {}

export class VideoMergeRequest {
  @ApiProperty({
    type: 'array',
    items: { type: 'string', maxLength: MAX_ID_CHARACTERS },
    minItems: 2,
    maxItems: MAX_VIDEOS,
    example: ['latest', 'latest'],
    description:
      'In the order in which they are to follow each other; one may come twice. `latest` is your newest video. In a ' +
      'form the field is repeated, or holds the ids with commas between them',
  })
  @Transform(({ value }: { value: unknown }) => listOf(value))
  @IsArray()
  @ArrayMinSize(2)
  @ArrayMaxSize(MAX_VIDEOS)
  @IsString({ each: true })
  @MaxLength(MAX_ID_CHARACTERS, { each: true })
  video_ids: string[];
}

export class VideoShareRequest {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: TEN_YEARS_SECONDS,
    default: DEFAULT_EXPIRY_SECONDS,
    example: 3600,
    description: 'Seconds until the link stops',
  })
  @Transform(({ value }: { value: unknown }) => numberOf(value))
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(TEN_YEARS_SECONDS)
  expiry_time: number = DEFAULT_EXPIRY_SECONDS;
}

/** A form has text only: one id, several, or several in one text. What is no text stays, to be refused. */
function listOf(value: unknown): unknown {
  if (typeof value === 'string') return value.includes(',') ? split(value) : value;
  if (!Array.isArray(value)) return value;
  return (value as unknown[]).flatMap((one) => (typeof one === 'string' ? split(one) : [one]));
}

const split = (text: string): string[] => text.split(',').map((one) => one.trim());

/** An empty field is one that was left empty in a form. */
function numberOf(value: unknown): unknown {
  if (value === null || value === '') return DEFAULT_EXPIRY_SECONDS;
  return typeof value === 'string' && /^\d{1,12}$/.test(value.trim()) ? Number(value) : value;
}
