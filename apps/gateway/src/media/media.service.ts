import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';
import { MediaStore } from '@mediakiln/media';
import { decodeIdCursor } from '../http/page';
import type { MediaListQuery } from './media.request';

/** What a request may see of the caller's media, and deleting them. */
@Injectable()
export class MediaService {
  constructor(private readonly media: MediaStore) {}

  /** `latest` is the caller's newest ready media. @throws AppError not_found */
  async find(ownerId: string, id: string): Promise<Media> {
    const media = await this.media.findOrLatest(ownerId, id);
    if (media) return media;
    throw id === 'latest'
      ? new AppError('not_found', 'You have no ready media yet: upload one first')
      : notFound();
  }

  /** For whoever holds a signed address. @throws AppError not_found */
  async findGranted(id: string): Promise<Media> {
    const media = await this.media.findGranted(id);
    if (!media) throw notFound();
    return media;
  }

  /** One row more than `limit` tells that there is another page. */
  list(ownerId: string, query: MediaListQuery): Promise<Media[]> {
    const { limit, cursor, kind, status } = query;
    const before = decodeIdCursor(cursor);
    return this.media.list(ownerId, {
      limit: limit + 1,
      kind,
      status,
      before: before ? { id: before } : undefined,
    });
  }

  /** @throws AppError not_found */
  async delete(ownerId: string, id: string): Promise<void> {
    const media = await this.find(ownerId, id);
    if (!(await this.media.delete(ownerId, media.id))) throw notFound();
  }
}

const notFound = (): AppError => new AppError('not_found', 'There is no media with this id');
