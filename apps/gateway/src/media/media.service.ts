import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import type { ListOrder, Media } from '@mediakiln/entities';
import { MediaStore, MediaUrls, type MediaWords } from '@mediakiln/media';
import type { RequestUser } from '../http/access';
import { decodeCursor } from '../http/page';
import type { MediaListQuery, SignatureQuery } from './media.request';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What a request may see of the caller's media, naming them, and deleting them. */
@Injectable()
export class MediaService {
  constructor(
    private readonly media: MediaStore,
    private readonly urls: MediaUrls,
  ) {}

  /** `latest` is the caller's newest ready media. @throws AppError not_found */
  async find(ownerId: string, id: string): Promise<Media> {
    const media = await this.media.findOrLatest(ownerId, id);
    if (media) return media;
    throw id === 'latest'
      ? new AppError('not_found', 'You have no ready media yet: upload one first')
      : notFound();
  }

  /**
   * For routes that a signed address opens as well as a token.
   * @throws AppError unauthenticated, invalid_signature, not_found
   */
  async open(
    caller: RequestUser | undefined,
    id: string,
    part: 'content' | 'thumbnail',
    { exp, sig }: SignatureQuery,
  ): Promise<Media> {
    if (exp === undefined && sig === undefined) {
      if (!caller) throw new AppError('unauthenticated');
      return this.find(caller.id, id);
    }
    this.urls.verify(`/v1/media/${id}/${part}`, exp ?? '', sig ?? '');
    const media = await this.media.findGranted(id);
    if (!media) throw notFound();
    return media;
  }

  /** One row more than `limit` tells that there is another page. */
  list(ownerId: string, query: MediaListQuery): Promise<Media[]> {
    const { limit, cursor, ...filters } = query;
    return this.media.list(ownerId, { ...filters, limit: limit + 1, after: placeOf(cursor, filters.order) });
  }

  /** @throws AppError not_found */
  async describe(ownerId: string, id: string, words: MediaWords): Promise<Media> {
    const media = await this.find(ownerId, id);
    const described = await this.media.describe(ownerId, media.id, words);
    if (!described) throw notFound();
    return described;
  }

  /** @throws AppError not_found */
  async delete(ownerId: string, id: string): Promise<void> {
    const media = await this.find(ownerId, id);
    if (!(await this.media.delete(ownerId, media.id))) throw notFound();
  }
}

/** @throws AppError invalid_cursor also for a cursor of the other order, which would skip what lies between. */
function placeOf(cursor: string | undefined, order: ListOrder): string | undefined {
  if (cursor === undefined) return undefined;
  const [of, id] = decodeCursor(cursor, 2);
  if (of !== order || !id || !UUID.test(id)) throw new AppError('invalid_cursor');
  return id;
}

const notFound = (): AppError => new AppError('not_found', 'There is no media with this id');
