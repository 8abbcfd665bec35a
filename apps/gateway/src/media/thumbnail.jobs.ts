import { Injectable } from '@nestjs/common';
import { AppError, ERRORS } from '@mediakiln/contracts';
import type { Job, Media } from '@mediakiln/entities';
import { JobDispatcher, JobReader } from '@mediakiln/jobs';
import { MediaStore, ThumbnailStore, type ThumbnailWork } from '@mediakiln/media';
import { DataSource } from 'typeorm';
import { uuidv7 } from 'uuidv7';

/** Before everything else of the same owner: somebody is looking at the page. */
const PRIORITY = 100;

/** The one job that makes a media's thumbnail, whoever asks for it how often. */
@Injectable()
export class ThumbnailJobs {
  constructor(
    private readonly dataSource: DataSource,
    private readonly media: MediaStore,
    private readonly thumbnails: ThumbnailStore,
    private readonly reader: JobReader,
    private readonly dispatcher: JobDispatcher,
  ) {}

  /**
   * The job to wait for. A new one is submitted when there was none, when it is gone or canceled, when it failed of
   * what may pass, and when its thumbnail is not there any more.
   * @throws AppError no_thumbnail when another try would fail as well, not_found
   */
  async provide(media: Media, work: ThumbnailWork, requestId: string): Promise<string> {
    const job = await this.find(media);
    if (job && (await this.isOfUse(job, media))) return job.id;
    return this.submit(media, work, requestId);
  }

  /** @throws AppError no_thumbnail when the job has failed for good */
  async find(media: Media): Promise<Job | null> {
    if (media.thumbnail_job_id === null) return null;
    const job = await this.reader.find(media.owner_id, media.thumbnail_job_id);
    if (job?.status === 'failed' && job.error_code && !ERRORS[job.error_code].retryable)
      throw new AppError('no_thumbnail', `The thumbnail could not be made: ${job.error_detail ?? ''}`);
    return job;
  }

  private async isOfUse(job: Job, media: Media): Promise<boolean> {
    if (job.status === 'completed') return (await this.thumbnails.find(media)) !== null;
    return job.status === 'pending' || job.status === 'processing';
  }

  private async submit(media: Media, work: ThumbnailWork, requestId: string): Promise<string> {
    const id = uuidv7();
    const ticket = await this.dataSource.transaction(async (tx) => {
      if (!(await this.thumbnails.claimJob(tx, media, id))) return null;
      return this.dispatcher.insert(tx, [
        {
          id,
          owner_id: media.owner_id,
          ...work,
          inputs: [{ media_id: media.id }],
          purpose: 'thumbnail',
          priority: PRIORITY,
          depends_on: media.status === 'processing' ? media.job_id : null,
          request_id: requestId,
        },
      ]);
    });
    if (ticket) {
      await this.dispatcher.ring(ticket.rings);
      return id;
    }
    // Another request was faster, or the media is gone.
    const now = await this.media.findGranted(media.id);
    if (!now?.thumbnail_job_id) throw new AppError('not_found', 'There is no media with this id');
    return now.thumbnail_job_id;
  }
}
