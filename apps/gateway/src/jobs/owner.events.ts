import { Injectable, type MessageEvent } from '@nestjs/common';
import { ERRORS, MEDIA_STATUSES, type MediaStatus } from '@mediakiln/contracts';
import { type JobMove, OwnerFeed, type OwnerNews } from '@mediakiln/jobs';
import { ApiProperty } from '@nestjs/swagger';
import { type Observable, concatMap, from } from 'rxjs';
import type { Credential } from '../http/credentials';
import { JobEventResponse, ProgressResponse, presentJobEvent } from '../present/job.response';
import { EventStreams } from './event-streams';

/** `event: status` */
export class StatusEvent extends JobEventResponse {
  @ApiProperty({ format: 'uuid' })
  job_id: string;

  @ApiProperty({ example: 'image.compress' })
  operation: string;

  @ApiProperty({ enum: ['request', 'probe'] })
  purpose: string;

  @ApiProperty({ type: [String], format: 'uuid', description: 'Its inputs' })
  media_ids: string[];

  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'As `chain.id` in the job' })
  chain_id: string | null;
}

/** `event: progress` */
export class ProgressEvent extends ProgressResponse {
  @ApiProperty({ format: 'uuid' })
  job_id: string;

  @ApiProperty({ example: 'video.trim' })
  operation: string;
}

/** `event: media` */
export class MediaEvent {
  @ApiProperty({ format: 'uuid' })
  media_id: string;

  @ApiProperty({ enum: MEDIA_STATUSES })
  status: MediaStatus;

  @ApiProperty({ type: String, nullable: true, example: null, description: 'Why it is `failed`' })
  error_code: string | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  error_message: string | null;

  @ApiProperty({ format: 'uuid', description: 'Its probe' })
  job_id: string;
}

/** `event: gap` */
export class GapEvent {
  @ApiProperty({ example: 'Too much has happened since: read your jobs and media again' })
  message: string;
}

/** Everything that becomes of a user's jobs and uploads, as server-sent events. */
@Injectable()
export class OwnerEvents {
  constructor(
    private readonly feed: OwnerFeed,
    private readonly streams: EventStreams,
  ) {}

  /** @param lastEventId where to resume; without it, from now on. */
  stream(follower: Credential, lastEventId?: string): Observable<MessageEvent> {
    return this.streams.stream(
      this.feed.watch(follower.id, lastEventId).pipe(concatMap((news) => from(messagesOf(news)))),
      follower,
    );
  }
}

function messagesOf(news: OwnerNews): MessageEvent[] {
  const { id } = news;
  if (news.kind === 'gap') {
    const data: GapEvent = { message: 'Too much has happened since: read your jobs and media again' };
    return [{ id, type: 'gap', data }];
  }
  if (news.kind === 'progress') {
    const { job_id, operation, progress } = news.job;
    return [{ id, type: 'progress', data: { job_id, operation, ...progress } satisfies ProgressEvent }];
  }
  // The media first, under the id before: who resumes after the status has had both.
  return [...mediaOf(news.move, news.previousId), { id, type: 'status', data: statusOf(news.move) }];
}

function statusOf(move: JobMove): StatusEvent {
  const { job_id, operation, purpose, inputs, chain_id } = move;
  const media_ids = inputs.flatMap((input) => ('media_id' in input ? [input.media_id] : []));
  return { job_id, operation, purpose, media_ids, chain_id, ...presentJobEvent(move) };
}

function mediaOf({ job_id, media }: JobMove, id: string): MessageEvent[] {
  if (!media) return [];
  const { status, error_code } = media;
  const error_message = error_code && ERRORS[error_code].title;
  const data: MediaEvent = { media_id: media.id, status, error_code, error_message, job_id };
  return [{ id, type: 'media', data }];
}
