import {
  ERRORS,
  MEDIA_KINDS,
  MEDIA_STATUSES,
  type MediaKind,
  type MediaStatus,
  type MediaProbe,
} from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';
import { type MediaUrls, thumbnailWork } from '@mediakiln/media';
import { ApiProperty } from '@nestjs/swagger';

export class MediaErrorResponse {
  @ApiProperty({ example: 'image_truncated', description: 'Stable; listed at /docs/errors' })
  code: string;

  @ApiProperty({ example: 'The image ends too early' })
  message: string;

  @ApiProperty()
  detail: string;
}

export class MediaResponse {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ enum: MEDIA_STATUSES, enumName: 'MediaStatus' })
  status: MediaStatus;

  @ApiProperty({ enum: MEDIA_KINDS, enumName: 'MediaKind' })
  kind: MediaKind;

  @ApiProperty({ example: 'photo.jpg', maxLength: 200 })
  name: string;

  @ApiProperty({
    type: [String],
    example: ['holiday', 'Norway'],
    description: 'Your own words, in your order',
  })
  tags: string[];

  @ApiProperty({ example: 'image/jpeg', description: 'From the content, not from what the client said' })
  mime_type: string;

  @ApiProperty({ type: 'integer' })
  bytes: number;

  @ApiProperty({ type: String, nullable: true, description: 'Hex; null once the bytes were released' })
  sha256: string | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'As shown, in pixels' })
  width: number | null;

  @ApiProperty({ type: 'integer', nullable: true })
  height: number | null;

  @ApiProperty({ type: Number, nullable: true })
  duration_seconds: number | null;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description: 'Everything that was found inside; null until `ready`',
  })
  probe: MediaProbe | null;

  @ApiProperty({ type: MediaErrorResponse, nullable: true, description: 'Why the media is `failed`' })
  error: MediaErrorResponse | null;

  @ApiProperty({ type: [String], description: 'The media that this one was made from' })
  parent_ids: string[];

  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    description: 'Of an upload: its probe. Of an output: the job that made it',
  })
  job_id: string | null;

  @ApiProperty({
    type: String,
    format: 'uri',
    nullable: true,
    description: 'Opens without a header, for a limited time; null once the bytes were released',
  })
  content_url: string | null;

  @ApiProperty({
    type: String,
    format: 'uri',
    nullable: true,
    description:
      'A picture of at most 320 x 320 pixels, made when it is first asked for. Opens without a header, for a limited ' +
      'time; null for a `failed` media and where there is nothing to see',
  })
  thumbnail_url: string | null;

  @ApiProperty({
    type: String,
    nullable: true,
    example: '1QcSHQRnh493V4dIh4eXh1h4kJUI',
    description:
      'A blurred picture in some 25 bytes to show while it loads: ThumbHash in base64. Images only',
  })
  placeholder: string | null;

  @ApiProperty({ format: 'date-time' })
  created_at: string;
}

/** A media row as its owner sees it. */
export function presentMedia(media: Media, urls: MediaUrls): MediaResponse {
  const { probe } = media;
  return {
    id: media.id,
    status: media.status,
    kind: media.kind,
    name: media.name,
    tags: media.tags,
    mime_type: media.mime_type,
    bytes: media.bytes,
    sha256: media.sha256,
    width: probe?.width ?? null,
    height: probe?.height ?? null,
    duration_seconds: probe && probe.kind !== 'image' ? probe.duration_seconds : null,
    probe,
    error: media.error_code && {
      code: media.error_code,
      message: ERRORS[media.error_code].title,
      detail: media.error_detail ?? '',
    },
    parent_ids: media.parent_ids,
    job_id: media.job_id,
    content_url: media.sha256 === null ? null : urls.contentUrl(media.id),
    thumbnail_url: thumbnailWork(media) ? urls.thumbnailUrl(media.id) : null,
    placeholder: (probe?.kind === 'image' && probe.placeholder) || null,
    created_at: media.created_at.toISOString(),
  };
}
