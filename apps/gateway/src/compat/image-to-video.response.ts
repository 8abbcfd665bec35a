import type { JobStatus, MediaStatus } from '@mediakiln/contracts';
import type { MediaUrls } from '@mediakiln/media';
import { ApiProperty } from '@nestjs/swagger';
import type { ImageToVideoRow } from './image-to-video.rows';

export const IMAGE_TO_VIDEO_STATUSES = ['uploaded', 'processing', 'completed', 'failed', 'canceled'] as const;
export type ImageToVideoStatus = (typeof IMAGE_TO_VIDEO_STATUSES)[number];

export class ImageToVideoResponse {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({
    type: String,
    format: 'uri',
    nullable: true,
    description:
      'Opens without a header, for a limited time; null once the bytes of an unreadable image are gone',
  })
  image: string | null;

  @ApiProperty({
    type: String,
    format: 'uri',
    nullable: true,
    description: 'As `image`; null until the video is there',
  })
  video: string | null;

  @ApiProperty({
    enum: IMAGE_TO_VIDEO_STATUSES,
    enumName: 'ImageToVideoStatus',
    description: '`uploaded` until the delay is over',
  })
  status: ImageToVideoStatus;
}

/** An image and its newest video, in the words of the system that these routes come from. */
export function presentImageToVideo(row: ImageToVideoRow, urls: MediaUrls): ImageToVideoResponse {
  return {
    id: row.id,
    image: row.has_bytes ? urls.contentUrl(row.id) : null,
    video: row.video_id && urls.contentUrl(row.video_id),
    status: statusOf(row),
  };
}

/** Of a pending job whose delay is not over, see `is_waiting`. */
const WORDS = {
  pending: 'processing',
  processing: 'processing',
  completed: 'completed',
  failed: 'failed',
  canceled: 'canceled',
} as const satisfies Record<JobStatus, ImageToVideoStatus>;

function statusOf({ media_status, job_status, is_waiting }: ImageToVideoRow): ImageToVideoStatus {
  // A video that waits for an image that cannot be read is canceled; to the client it has failed.
  if (media_status === ('failed' satisfies MediaStatus)) return 'failed';
  return job_status === null || is_waiting ? 'uploaded' : WORDS[job_status];
}
