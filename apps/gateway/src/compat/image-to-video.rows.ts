import { Injectable } from '@nestjs/common';
import type { JobStatus, MediaStatus } from '@mediakiln/contracts';
import { DataSource } from 'typeorm';

/** An uploaded image, the newest job that makes a video of it, and that video. */
export interface ImageToVideoRow {
  id: string;
  media_status: MediaStatus;
  has_bytes: boolean;
  /** Null: no video was asked for. */
  job_status: JobStatus | null;
  /** The delay is not over, or the job has yet to be picked up for the first time before that. */
  is_waiting: boolean;
  video_id: string | null;
}

/** Newest first; more would be no answer to poll. */
export const MAX_LISTED = 5_000;

const SELECT = `
SELECT media.id, media.status AS media_status, media.sha256 IS NOT NULL AS has_bytes,
  job.status AS job_status, coalesce(job.is_waiting, false) AS is_waiting, video.id AS video_id
FROM media
LEFT JOIN LATERAL (
  SELECT id, status, status = 'pending' AND epoch = 0 AND run_at > now() AS is_waiting FROM job
  WHERE job.owner_id = media.owner_id AND operation = 'video.from_image' AND purpose = 'request'
    AND inputs @> jsonb_build_array(jsonb_build_object('media_id', media.id))
  ORDER BY id DESC LIMIT 1) job ON true
LEFT JOIN media video ON video.job_id = job.id AND video.variant IS NOT NULL AND video.thumbnail_of IS NULL
WHERE media.owner_id = $1 AND media.kind = 'image' AND media.variant IS NULL AND media.thumbnail_of IS NULL`;
const ONE = `${SELECT} AND media.id = $2`;
const ALL = `${SELECT} ORDER BY media.id DESC LIMIT ${MAX_LISTED}`;

/** One query for any number of images. */
@Injectable()
export class ImageToVideoRows {
  constructor(private readonly dataSource: DataSource) {}

  async find(ownerId: string, id: string): Promise<ImageToVideoRow | null> {
    const [row] = await this.dataSource.query<ImageToVideoRow[]>(ONE, [ownerId, id]);
    return row ?? null;
  }

  list(ownerId: string): Promise<ImageToVideoRow[]> {
    return this.dataSource.query(ALL, [ownerId]);
  }
}
