import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { type StagedFile, Storage } from '@mediakiln/storage';
import { receiveFile } from '../http/multipart-file';
import { UploadsService } from '../uploads/uploads.service';

export interface ReceivedChunk {
  staged: StagedFile;
  fields: ReadonlyMap<string, string>;
  /** The row that holds the quota for it; null: there is no quota. */
  reservation: string | null;
  /** Lets go of what nobody took over. To be called in the end. */
  release: () => Promise<void>;
}

/** Takes the one chunk of a form to the disk, counted against the quota before its bytes arrive. */
@Injectable()
export class ChunkReceiver {
  constructor(
    private readonly storage: Storage,
    private readonly uploads: UploadsService,
  ) {}

  /** @throws AppError body_too_large, quota_exceeded, storage_full, and of `receiveFile`; nothing stays then */
  async receive(ownerId: string, request: IncomingMessage): Promise<ReceivedChunk> {
    const reservation = await this.uploads.reserve(ownerId, request);
    const { maxBytes } = reservation;
    try {
      const { file: staged, fields } = await receiveFile(
        request,
        'chunk',
        ({ content, signal }) => this.storage.stage(content, { maxBytes, signal }),
        (taken) => this.storage.discard(taken),
      );
      await reservation.arrived();
      const release = async (): Promise<void> => {
        await this.storage.discard(staged);
        await reservation.release();
      };
      return { staged, fields, reservation: reservation.id, release };
    } catch (error) {
      await reservation.release();
      throw reservation.explain(error);
    }
  }
}
