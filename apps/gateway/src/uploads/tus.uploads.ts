import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import type { Upload } from '@mediakiln/entities';
import { UploadStore, UploadTurns } from '@mediakiln/media';
import { PartialFiles } from '@mediakiln/storage';
import { UploadFinisher } from './upload.finisher';
import { UploadRoom } from '../http/upload.room';

/** What a tus request works with. */
@Injectable()
export class TusUploads {
  constructor(
    readonly rows: UploadStore,
    readonly turns: UploadTurns,
    readonly files: PartialFiles,
    readonly finisher: UploadFinisher,
    readonly room: UploadRoom,
  ) {}

  /**
   * The parts of a whole, in its order.
   * @throws AppError not_found, upload_expired, upload_conflict, upload_incomplete
   */
  async partsOf(ownerId: string, ids: readonly string[]): Promise<Upload[]> {
    const parts: Upload[] = [];
    for (const id of ids) {
      const part = parts.find((known) => known.id === id) ?? (await this.rows.findLive(ownerId, id));
      if (part.concat !== 'partial')
        throw new AppError('upload_conflict', `The upload ${id} was not begun with Upload-Concat: partial`);
      if (part.finished_at !== null)
        throw new AppError('upload_conflict', `The upload ${id} has gone into another one`);
      if (part.offset !== part.length)
        throw new AppError(
          'upload_incomplete',
          `The upload ${id} has ${part.offset} of ${part.length ?? 'unknown'} bytes`,
        );
      parts.push(part);
    }
    return parts;
  }
}

/** A part has reserved its bytes once, however often a whole names it. */
export const repeatedBytes = (parts: readonly Upload[]): number =>
  parts
    .filter(({ id }, index) => parts.findIndex((part) => part.id === id) < index)
    .reduce((sum, { length }) => sum + length!, 0);
