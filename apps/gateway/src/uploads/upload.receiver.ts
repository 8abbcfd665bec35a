import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError, type Sniffed } from '@mediakiln/contracts';
import { MediaFiles } from '@mediakiln/media';
import type { StagedFile } from '@mediakiln/storage';
import { type Received, announcedTooMany, drain, receiveFile } from '../http/multipart-file';
import { uploadName } from '../http/user-text';
import { type Reservation, UploadReservations } from './upload.reservations';

export interface ReceivedUpload {
  name: string;
  staged: StagedFile;
  sniffed: Sniffed;
  /** Holds the quota until the media does; it lapses by itself. */
  reservation?: Reservation;
}

/** Takes the file of a multipart request to the disk: counted, hashed, sniffed on the way; nothing stays on failure. */
@Injectable()
export class UploadReceiver {
  constructor(
    private readonly files: MediaFiles,
    private readonly reservations: UploadReservations,
    private readonly config: AppConfig,
  ) {}

  /** The caller calls `discard` with the staged file in the end. */
  async receive(
    ownerId: string,
    request: IncomingMessage,
    field: string | readonly string[] = 'file',
  ): Promise<Received<ReceivedUpload>> {
    const reservation = await this.reserve(ownerId, request);
    const { maxBytes } = reservation;
    try {
      const received = await receiveFile<ReceivedUpload>(
        request,
        field,
        async ({ name, content, signal }) => {
          const taken = await this.files.stageUpload(content, { maxBytes, signal, ownsChunks: true });
          return { name: uploadName(name), ...taken, reservation };
        },
        ({ staged }) => this.files.discard(staged),
      );
      await reservation.arrived();
      return received;
    } catch (error) {
      await reservation.release();
      throw reservation.explain(error);
    }
  }

  /** For the headers alone; without them the rest of the body is drained. */
  async reserve(ownerId: string, request: IncomingMessage): Promise<Reservation> {
    try {
      this.refuseBySize(request);
      return await this.reservations.begin(ownerId, request);
    } catch (error) {
      drain(request);
      throw error;
    }
  }

  private refuseBySize(request: IncomingMessage): void {
    const limit = this.config.maxUploadBytes;
    const announced = announcedTooMany(request, limit);
    if (announced === undefined) return;
    throw new AppError(
      'body_too_large',
      `The body has ${announced} bytes, and a file may have ${limit} bytes at most`,
    );
  }
}
