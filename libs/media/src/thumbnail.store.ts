import { Injectable } from '@nestjs/common';
import { Media } from '@mediakiln/entities';
import { DataSource, type EntityManager } from 'typeorm';

/** Thumbnails as seen from the media that they show; `MediaStore.insertThumbnail` puts them in. */
@Injectable()
export class ThumbnailStore {
  constructor(private readonly dataSource: DataSource) {}

  find(media: Pick<Media, 'id'>): Promise<Media | null> {
    return this.dataSource.manager.findOneBy(Media, { thumbnail_of: media.id });
  }

  /**
   * Makes this the one job for the media's thumbnail, in the transaction that inserts the job.
   * @returns false when another request was faster: the media's job is not the one any more that was seen.
   */
  async claimJob(
    tx: EntityManager,
    seen: Pick<Media, 'id' | 'thumbnail_job_id'>,
    jobId: string,
  ): Promise<boolean> {
    const [, claimed] = await tx.query<[unknown, number]>(
      'UPDATE media SET thumbnail_job_id = $2 WHERE id = $1 AND thumbnail_job_id IS NOT DISTINCT FROM $3',
      [seen.id, jobId, seen.thumbnail_job_id],
    );
    return claimed === 1;
  }
}
