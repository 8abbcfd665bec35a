import type { IncomingMessage } from 'node:http';
import { Transform, pipeline } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError, type Sniffed, UNKNOWN_CONTENT, sniff } from '@mediakiln/contracts';
import { type StagedFile, Storage } from '@mediakiln/storage';
import { csvTooLarge } from '../batches/batches.service';
import { receiveFile } from '../http/multipart-file';
import { uploadName } from '../http/user-text';
import { type Reservation, UploadsService } from '../uploads/uploads.service';

/** What arrived at a route that takes images and lists. */
export interface EitherFile {
  name: string;
  staged: StagedFile;
  /** Null: no media, and so a list. */
  sniffed: Sniffed | null;
  fields: ReadonlyMap<string, string>;
  reservation: Reservation;
}

/** Takes a file to the disk and tells by its first bytes what it is. */
@Injectable()
export class EitherFiles {
  constructor(
    private readonly storage: Storage,
    private readonly uploads: UploadsService,
    private readonly config: AppConfig,
  ) {}

  /**
   * The caller owes the staged file an end.
   * @throws AppError body_too_large, csv_too_large, storage_full, quota_exceeded, and of `receiveFile`
   */
  async receive(ownerId: string, request: IncomingMessage): Promise<EitherFile> {
    const reservation = await this.uploads.reserve(ownerId, request);
    try {
      const received = await this.receiveWithin(reservation.maxBytes, request);
      await reservation.arrived();
      return { ...received, reservation };
    } catch (error) {
      await reservation.release();
      throw reservation.explain(error);
    }
  }

  private async receiveWithin(
    maxBytes: number,
    request: IncomingMessage,
  ): Promise<Omit<EitherFile, 'reservation'>> {
    const { maxCsvBytes } = this.config;
    const { file, fields } = await receiveFile(
      request,
      ['file', 'image'],
      async ({ name, content, signal }) => {
        let sniffed: Sniffed | null = null;
        let isList = false;
        let bytes = 0;
        const limited = new Transform({
          transform(chunk: Buffer, _encoding, done) {
            bytes += chunk.length;
            const isTooMuch = isList && bytes > maxCsvBytes;
            done(isTooMuch ? csvTooLarge(maxCsvBytes, 'this one has more') : null, chunk);
          },
        });
        pipeline(content, limited, () => undefined);
        const onHead = (head: Buffer): void => {
          sniffed = mediaOrList(head);
          isList = sniffed === null;
        };
        const staged = await this.storage.stage(limited, { maxBytes, signal, onHead });
        return { name: uploadName(name), staged, sniffed: sniffed as Sniffed | null };
      },
      ({ staged }) => this.storage.discard(staged),
    );
    return { ...file, fields };
  }

  discard(staged: StagedFile): Promise<void> {
    return this.storage.discard(staged);
  }
}

/** @throws AppError for what is known and not taken, such as HEIC. */
function mediaOrList(head: Buffer): Sniffed | null {
  try {
    return sniff(head);
  } catch (error) {
    if (error instanceof AppError && error.detail === UNKNOWN_CONTENT) return null;
    throw error;
  }
}
