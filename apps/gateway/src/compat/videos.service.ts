import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';
import { MediaStore, MediaUrls } from '@mediakiln/media';
import { LinksService } from '../links/links.service';
import { type VideoResponse, presentVideo } from './video.response';

/** More would be no answer to read. */
export const MAX_LISTED = 5_000;

/** The caller's videos: uploaded, cut or put together. */
@Injectable()
export class VideosService {
  constructor(
    private readonly media: MediaStore,
    private readonly links: LinksService,
    private readonly urls: MediaUrls,
  ) {}

  /** `latest` is the caller's newest that is ready. @throws AppError not_found */
  async find(ownerId: string, id: string): Promise<Media> {
    const media =
      id === 'latest'
        ? await this.media.latestReady(ownerId, ['video'])
        : await this.media.find(ownerId, id.toLowerCase());
    if (media?.kind !== 'video') throw new AppError('not_found', `There is no video ${JSON.stringify(id)}`);
    return media;
  }

  /** Newest first. */
  async list(ownerId: string): Promise<VideoResponse[]> {
    const videos = await this.media.list(ownerId, {
      kind: 'video',
      status: 'ready',
      order: 'newest',
      limit: MAX_LISTED,
    });
    return videos.map((video) => presentVideo(video, this.urls));
  }

  /** @returns an address that anybody can open for so long. @throws AppError not_found, media_not_ready, media_failed */
  async share(ownerId: string, id: string, expirySeconds: number): Promise<string> {
    const video = await this.find(ownerId, id);
    const { resource } = await this.links.create(ownerId, video.id, { expiry_time: expirySeconds });
    return this.urls.absolute(`/api/videos/serve/?token=${resource.token}`);
  }
}
