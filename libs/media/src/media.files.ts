import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { AppError, type Sniffed, sniff } from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';
import { Meter } from '@mediakiln/observability';
import {
  type ByteRange,
  type StageOptions,
  type StagedFile,
  Storage,
  type StoredBytes,
  objectKey,
} from '@mediakiln/storage';

/** The bytes of media: how they come in and how they are read. */
@Injectable()
export class MediaFiles {
  constructor(
    private readonly storage: Storage,
    private readonly meter: Meter,
  ) {}

  /**
   * Takes an upload in. Call `discard` when it is done with.
   * @throws AppError body_too_large, and of `sniff` as soon as the first bytes are there.
   */
  async stageUpload(
    source: Readable,
    options: Pick<StageOptions, 'maxBytes' | 'signal' | 'ownsChunks'>,
  ): Promise<{ staged: StagedFile; sniffed: Sniffed }> {
    let sniffed: Sniffed | undefined;
    const staged = await this.storage.stage(source, {
      ...options,
      onHead: (head) => {
        sniffed = sniff(head);
      },
    });
    this.meter.uploadBytes.inc(staged.bytes);
    return { staged, sniffed: sniffed! };
  }

  /** Takes over a file that an engine made. Call `discard` when it is done with. */
  stageOutput(path: string): Promise<StagedFile> {
    return this.storage.stageFile(path);
  }

  discard(staged: StagedFile): Promise<void> {
    return this.storage.discard(staged);
  }

  /** @throws AppError not_found when the bytes were released. */
  async open(media: Media, range?: ByteRange): Promise<StoredBytes> {
    return this.storage.open(keyOf(media), range);
  }

  /** @throws AppError not_found when the bytes were released. */
  async materialize(media: Media, dir: string, name: string): Promise<string> {
    return this.storage.materialize(keyOf(media), dir, name);
  }
}

function keyOf(media: Media): string {
  if (media.sha256 === null) throw new AppError('not_found', 'The bytes of this file are gone');
  return objectKey(media.owner_id, media.sha256);
}
