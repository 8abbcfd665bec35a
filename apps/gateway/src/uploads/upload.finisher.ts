import { Injectable } from '@nestjs/common';
import { AppError, type Sniffed, sniff } from '@mediakiln/contracts';
import type { Media, Upload } from '@mediakiln/entities';
import { MediaFiles, UploadStore, type UploadTurn } from '@mediakiln/media';
import { type Part, PartialFiles, type StagedFile } from '@mediakiln/storage';
import { UploadIntake } from './upload.intake';

/** Makes a media of an upload whose bytes are all there. */
@Injectable()
export class UploadFinisher {
  constructor(
    private readonly partials: PartialFiles,
    private readonly files: MediaFiles,
    private readonly uploads: UploadStore,
    private readonly intake: UploadIntake,
  ) {}

  /**
   * The bytes stay where they are until the media is there: after a crash anywhere in here, whoever asks for the upload
   * next finishes it.
   * @param parts of a concatenation, in order; without them the upload has a file of its own.
   * @throws AppError of `sniff` when it is no media that we take: then the upload and its parts are gone.
   */
  async finish(
    upload: Upload,
    turn: UploadTurn,
    requestId: string,
    parts: readonly Upload[] = [],
  ): Promise<Media> {
    return turn.during(async () => {
      const { staged, sniffed } = await this.stage(upload, parts).catch(async (error: unknown) => {
        if (isOfTheContent(error)) await this.drop(upload, ...parts);
        throw error;
      });
      const { resource } = await this.intake.keep(
        upload.owner_id,
        { name: upload.name, staged, sniffed },
        { requestId, also: (tx, mediaId) => this.uploads.finish(tx, turn, mediaId, upload.part_ids) },
      );
      await this.partials.remove(upload.id, ...upload.part_ids);
      return resource;
    });
  }

  /** The row first: without it the bytes are nobody's, and the sweeper takes them too. */
  async drop(...uploads: readonly Upload[]): Promise<void> {
    for (const { owner_id, id } of uploads) await this.uploads.remove(owner_id, id);
    await this.partials.remove(...uploads.map(({ id }) => id));
  }

  private async stage(
    upload: Upload,
    parts: readonly Upload[],
  ): Promise<{ staged: StagedFile; sniffed: Sniffed }> {
    if (upload.concat === 'final')
      return this.files.stageUpload(this.partials.read(parts.map(partOf)), {
        maxBytes: upload.length!,
        ownsChunks: true,
      });
    const staged = await this.partials.take(partOf(upload));
    try {
      return { staged, sniffed: sniff(staged.head) };
    } catch (error) {
      await this.files.discard(staged);
      throw error;
    }
  }
}

const partOf = ({ id, offset }: Upload): Part => ({ name: id, bytes: offset });

/** Sending the same bytes again would not help. */
export const isOfTheContent = (error: unknown): boolean =>
  error instanceof AppError && [415, 422].includes(error.status);
