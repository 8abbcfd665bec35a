import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError } from '@mediakiln/contracts';
import { MediaFiles, MediaUrls } from '@mediakiln/media';
import { type ReceivedUpload, UploadsService } from '../uploads/uploads.service';
import { type ImageToVideoResponse, presentImageToVideo } from './image-to-video.response';
import { ImageToVideoRows } from './image-to-video.rows';

const MAX_DELAY_SECONDS = 30 * 86_400;
const SECONDS = /^\d{1,9}(\.\d{1,3})?$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Images that become videos by themselves, a while after their upload. */
@Injectable()
export class ImageToVideoService {
  /** So long an upload waits to be told at once that its image cannot be read. */
  probeWaitMs = 1_000;

  constructor(
    private readonly uploads: UploadsService,
    private readonly files: MediaFiles,
    private readonly rows: ImageToVideoRows,
    private readonly urls: MediaUrls,
    private readonly config: AppConfig,
  ) {}

  /**
   * Keeps the image, and the job that makes its video when the delay is over, in one transaction.
   * @param upload is discarded, whatever comes of it.
   * @param fields of the same body; `delay_seconds` counts.
   * @throws AppError unsupported_media_type, validation_failed, and what the probe says of a bad image
   */
  async create(
    ownerId: string,
    upload: ReceivedUpload,
    { fields, requestId }: { fields: ReadonlyMap<string, string>; requestId: string },
  ): Promise<ImageToVideoResponse> {
    const delaySeconds = await this.accepted(upload, fields);
    const { resource } = await this.uploads.keep(ownerId, upload, {
      requestId,
      then: { operation: 'video.from_image', params: {}, delay_seconds: delaySeconds },
    });
    const media = await this.uploads.probed(resource, this.probeWaitMs, new AbortController().signal);
    return { id: media.id, image: this.urls.contentUrl(media.id), video: null, status: 'uploaded' };
  }

  /** @throws AppError not_found */
  async find(ownerId: string, id: string): Promise<ImageToVideoResponse> {
    const row = UUID.test(id) ? await this.rows.find(ownerId, id) : null;
    if (!row) throw new AppError('not_found', 'There is no image with this id');
    return presentImageToVideo(row, this.urls);
  }

  async list(ownerId: string): Promise<ImageToVideoResponse[]> {
    return (await this.rows.list(ownerId)).map((row) => presentImageToVideo(row, this.urls));
  }

  private async accepted(upload: ReceivedUpload, fields: ReadonlyMap<string, string>): Promise<number> {
    try {
      const { kind, mime_type } = upload.sniffed;
      if (kind !== 'image')
        throw new AppError(
          'unsupported_media_type',
          `The file must be an image, and this one is ${mime_type}`,
        );
      return delayOf(fields.get('delay_seconds'), this.config.imageToVideoDelaySeconds);
    } catch (error) {
      await this.files.discard(upload.staged);
      await upload.reservation?.release();
      throw error;
    }
  }
}

/** An empty field is one that was left empty in a form. */
function delayOf(text: string | undefined, byDefault: number): number {
  if (text === undefined || text.trim() === '') return byDefault;
  const seconds = SECONDS.test(text.trim()) ? Number(text) : Number.NaN;
  if (seconds <= MAX_DELAY_SECONDS) return seconds;
  const detail = `delay_seconds must be a number from 0 to ${MAX_DELAY_SECONDS}, not ${JSON.stringify(text.slice(0, 50))}`;
  throw new AppError('validation_failed', detail, {
    errors: [{ pointer: '/delay_seconds', code: 'delay_seconds', detail }],
  });
}
