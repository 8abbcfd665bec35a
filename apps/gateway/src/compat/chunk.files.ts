import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError } from '@mediakiln/contracts';
import type { Upload } from '@mediakiln/entities';
import { ChunkStore, MediaFiles } from '@mediakiln/media';
import { type Part, PartialFiles } from '@mediakiln/storage';
import type { ReceivedUpload } from '../uploads/uploads.service';

/** Chunks as one file. */
@Injectable()
export class ChunkFiles {
  constructor(
    private readonly partial: PartialFiles,
    private readonly files: MediaFiles,
    private readonly chunks: ChunkStore,
    private readonly config: AppConfig,
  ) {}

  /** The chunks stay. @throws AppError of `sniff`, unsupported_media_type for what is no video, storage_full */
  async join({ name }: Pick<Upload, 'name'>, parts: readonly Part[]): Promise<ReceivedUpload> {
    await this.chunks.assertRoom(parts.reduce((sum, { bytes }) => sum + bytes, 0));
    const source = this.partial.read(parts);
    const whole = await this.files.stageUpload(source, {
      maxBytes: this.config.maxUploadBytes,
      ownsChunks: true,
    });
    if (whole.sniffed.kind === 'video') return { name, ...whole };
    await this.files.discard(whole.staged);
    throw new AppError(
      'unsupported_media_type',
      `The file must be a video, and this one is ${whole.sniffed.mime_type}`,
    );
  }
}
