import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';
import { JobFollower } from '@mediakiln/jobs';
import { MediaStore, ThumbnailStore, type ThumbnailWork, thumbnailWork } from '@mediakiln/media';
import { ThumbnailJobs } from './thumbnail.jobs';

const RETRY_AFTER_SECONDS = 1;

/** Thumbnails, made when they are first asked for: the gateway has no codec, so a job makes them. */
@Injectable()
export class ThumbnailsService {
  /** How long a request waits for a thumbnail that is being made. */
  waitMs = 10_000;

  constructor(
    private readonly thumbnails: ThumbnailStore,
    private readonly jobs: ThumbnailJobs,
    private readonly media: MediaStore,
    private readonly follower: JobFollower,
  ) {}

  /** @throws AppError no_thumbnail, thumbnail_not_ready (ask again), not_found when the media was deleted meanwhile */
  async of(media: Media, requestId: string, signal: AbortSignal): Promise<Media> {
    const work = workFor(media);
    const known = await this.thumbnails.find(media);
    if (known) return known;
    const jobId = await this.jobs.provide(media, work, requestId);
    await this.follower.waitFor(jobId, this.waitMs, signal);
    return (await this.thumbnails.find(media)) ?? this.explain(media);
  }

  /** Why there is none yet, after waiting. */
  private async explain(media: Media): Promise<never> {
    const now = await this.media.findGranted(media.id);
    if (!now) throw new AppError('not_found', 'The media was deleted meanwhile');
    workFor(now);
    await this.jobs.find(now);
    throw new AppError('thumbnail_not_ready', `It is not there after ${this.waitMs / 1_000} s: ask again`, {
      headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
    });
  }
}

/** @throws AppError no_thumbnail */
function workFor(media: Media): ThumbnailWork {
  const work = thumbnailWork(media);
  if (work) return work;
  throw new AppError(
    'no_thumbnail',
    media.status === 'failed'
      ? 'The media could not be read, so there is nothing to show'
      : `A media of kind ${media.kind} has no picture`,
  );
}
