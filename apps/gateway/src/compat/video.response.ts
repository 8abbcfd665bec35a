import type { Media } from '@mediakiln/entities';
import type { JobSnapshot } from '@mediakiln/jobs';
import type { MediaUrls } from '@mediakiln/media';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IN_PROGRESS, TASK_STATUSES, TASK_WORDS, type TaskStatus } from './video.words';

export class VideoResponse {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'holiday.mp4' })
  name: string;

  @ApiProperty({
    type: Number,
    nullable: true,
    example: 12.5,
    description: 'Seconds; null only where the server was too busy to look into the file at once',
  })
  duration: number | null;

  @ApiProperty({ type: 'integer', example: 1_048_576, description: 'Bytes' })
  size: number;

  @ApiProperty({
    type: String,
    format: 'uri',
    nullable: true,
    description: 'Opens without a header, for a limited time',
  })
  file: string | null;

  @ApiProperty({ format: 'date-time' })
  uploaded_at: string;
}

export class TaskStartedResponse {
  @ApiProperty({ format: 'uuid', description: 'Also the id of the job under /v1/jobs' })
  task_id: string;

  @ApiProperty({ example: 'The video is being cut' })
  message: string;
}

export class TaskStatusResponse {
  @ApiProperty({ format: 'uuid' })
  task_id: string;

  @ApiProperty({ enum: TASK_STATUSES, enumName: 'TaskStatus', description: '`FAILURE` also when canceled' })
  status: TaskStatus;

  @ApiPropertyOptional({ type: 'integer', example: 1, description: 'Of a merge: videos that are done' })
  current?: number;

  @ApiPropertyOptional({
    type: 'integer',
    example: 3,
    description: 'Of a merge: videos that it puts together',
  })
  total?: number;

  @ApiPropertyOptional({
    type: () => VideoResponse,
    nullable: true,
    description: 'With `SUCCESS`: what was made; null when it was deleted since',
  })
  result?: VideoResponse | null;

  @ApiPropertyOptional({ type: () => VideoResponse, nullable: true, description: 'The same as `result`' })
  video?: VideoResponse | null;

  @ApiPropertyOptional({ description: 'With `FAILURE`: a sentence for people' })
  error?: string;

  @ApiPropertyOptional({
    example: 'invalid_trim_range',
    description: 'With `FAILURE`; listed at /docs/errors',
  })
  code?: string;
}

export class VideoLinkResponse {
  @ApiProperty({ format: 'uri', description: 'Opens without a login until its time is over' })
  link: string;
}

export function presentVideo(media: Media, urls: MediaUrls): VideoResponse {
  const { probe } = media;
  return {
    id: media.id,
    name: media.name,
    duration: probe && probe.kind !== 'image' ? probe.duration_seconds : null,
    size: media.bytes,
    file: media.sha256 === null ? null : urls.contentUrl(media.id),
    uploaded_at: media.created_at.toISOString(),
  };
}

/** @param output what a completed job made, unless it was deleted since. */
export function presentTask(
  job: JobSnapshot,
  output: Media | undefined,
  urls: MediaUrls,
): TaskStatusResponse {
  const percent = job.status === 'processing' ? (job.progress?.percent ?? 0) : 0;
  const status = percent > 0 ? IN_PROGRESS : TASK_WORDS[job.status];
  const task: TaskStatusResponse = { task_id: job.id, status };
  if (job.operation === 'video.merge') Object.assign(task, countOf(job, percent));
  if (status === 'SUCCESS') task.result = task.video = output ? presentVideo(output, urls) : null;
  if (status === 'FAILURE') {
    task.error =
      job.error_detail ?? (job.status === 'canceled' ? 'The task was canceled' : 'The task failed');
    task.code = job.error_code ?? 'conflict';
  }
  return task;
}

/** The share of the work, as a number of videos; the last one counts when all is done. */
function countOf({ inputs, status }: JobSnapshot, percent: number): { current: number; total: number } {
  const total = inputs.length;
  const done = Math.min(total - 1, Math.floor((percent / 100) * total));
  return { current: status === 'completed' ? total : done, total };
}
