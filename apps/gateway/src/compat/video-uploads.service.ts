import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';
import { MediaFiles, MediaStore } from '@mediakiln/media';
import { type ReceivedUpload, UploadsService } from '../uploads/uploads.service';
import { type VideoWishes, assertDuration, assertSize, wishesOf } from './video.wishes';

/** Videos that come in, looked into before they are answered. */
@Injectable()
export class VideoUploadsService {
  /** So long an upload waits to be looked into: clients of that system expect the duration in the answer. */
  probeWaitMs = 30_000;

  constructor(
    private readonly uploads: UploadsService,
    private readonly files: MediaFiles,
    private readonly media: MediaStore,
  ) {}

  /**
   * What is refused is not kept.
   * @param fields of the same body; the wishes in it count.
   * @param upload is discarded, whatever comes of it.
   * @returns the video; still `processing` when the server was too busy.
   * @throws AppError unsupported_media_type, validation_failed for a wish, what the probe says of a bad video, and
   * operation_unavailable when a wish could not be judged in time
   */
  async take(
    ownerId: string,
    upload: ReceivedUpload,
    { fields, requestId }: { fields: ReadonlyMap<string, string>; requestId: string },
  ): Promise<Media> {
    const wishes = await this.accepted(upload, fields);
    const { resource } = await this.uploads.keep(ownerId, upload, { requestId });
    return this.judged(resource, wishes);
  }

  private async accepted(upload: ReceivedUpload, fields: ReadonlyMap<string, string>): Promise<VideoWishes> {
    try {
      const { kind, mime_type } = upload.sniffed;
      if (kind !== 'video')
        throw new AppError(
          'unsupported_media_type',
          `The file must be a video, and this one is ${mime_type}`,
        );
      const wishes = wishesOf(fields);
      assertSize(upload.staged.bytes, wishes);
      return wishes;
    } catch (error) {
      await this.files.discard(upload.staged);
      await upload.reservation?.release();
      throw error;
    }
  }

  /**
   * Waits for the look into it; to the end, also when the client leaves: what it would have been refused must not stay.
   * @throws AppError as `take`
   */
  async judged(media: Media, wishes: VideoWishes): Promise<Media> {
    const probed = await this.uploads.probed(media, this.probeWaitMs, new AbortController().signal);
    try {
      if (probed.status === 'ready' && probed.kind !== 'video') throw new AppError('no_video_stream');
      assertDuration(probed, wishes);
      return probed;
    } catch (error) {
      await this.media.delete(probed.owner_id, probed.id);
      throw error;
    }
  }
}
