import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError } from '@mediakiln/contracts';
import { ChunkStore, UploadStore, type UploadTurn, UploadTurns } from '@mediakiln/media';
import { type StagedFile, Storage } from '@mediakiln/storage';
import { announcedTooMany, drain, receiveFile } from '../http/multipart-file';

/** What a form has besides the bytes of its file, at most, of an honest client. */
const ENVELOPE_BYTES = 64 << 10;

export interface ReceivedChunk {
  staged: StagedFile;
  fields: ReadonlyMap<string, string>;
  /** The row that holds the quota for it; null: there is no quota. */
  reservation: string | null;
  /** Lets go of what nobody took over. To be called in the end. */
  release: () => Promise<void>;
}

interface Reservation {
  id: string;
  bytes: number;
  turn: UploadTurn;
}

/** Takes the one chunk of a form to the disk, counted against the quota before its bytes arrive. */
@Injectable()
export class ChunkReceiver {
  constructor(
    private readonly storage: Storage,
    private readonly uploads: UploadStore,
    private readonly turns: UploadTurns,
    private readonly chunks: ChunkStore,
    private readonly config: AppConfig,
  ) {}

  /** @throws AppError body_too_large, quota_exceeded, storage_full, and of `receiveFile`; nothing stays then */
  async receive(ownerId: string, request: IncomingMessage): Promise<ReceivedChunk> {
    const reservation = await this.admit(ownerId, request).catch((error: unknown) => {
      drain(request);
      throw error;
    });
    const { maxUploadBytes } = this.config;
    const maxBytes = Math.min(maxUploadBytes, reservation?.bytes ?? maxUploadBytes);
    if (reservation) request.on('data', () => reservation.turn.touch());
    try {
      const { file: staged, fields } = await receiveFile(
        request,
        'chunk',
        ({ content, signal }) => this.storage.stage(content, { maxBytes, signal }),
        (taken) => this.storage.discard(taken),
      );
      const release = async (): Promise<void> => {
        await this.storage.discard(staged);
        await this.release(ownerId, reservation);
      };
      return { staged, fields, reservation: reservation?.id ?? null, release };
    } catch (error) {
      await this.release(ownerId, reservation);
      if (reservation && maxBytes < maxUploadBytes && isTooLarge(error))
        throw new AppError(
          'quota_exceeded',
          `This account may keep ${maxBytes} bytes more, and more arrived`,
        );
      throw error;
    }
  }

  /** For the headers alone. */
  private async admit(ownerId: string, request: IncomingMessage): Promise<Reservation | null> {
    const { maxUploadBytes } = this.config;
    if (announcedTooMany(request, maxUploadBytes) !== undefined)
      throw new AppError(
        'body_too_large',
        `The body has ${request.headers['content-length']} bytes, and a file may have ${maxUploadBytes}`,
      );
    const announced = Number(request.headers['content-length'] ?? 0);
    await this.chunks.assertRoom(announced);
    const [holder, askedMs] = [randomUUID(), performance.now()];
    const plan = { owner_id: ownerId, protocol: 'multipart', name: '', holder } as const;
    // What the form has besides its file is not known: all that is left, when that is hardly less than the body.
    const leastBytes = Math.max(0, announced - ENVELOPE_BYTES);
    const row = await this.uploads.createWithinQuota(plan, announced || maxUploadBytes, leastBytes);
    return row && { id: row.id, bytes: row.reserved_bytes, turn: this.turns.begun(row.id, holder, askedMs) };
  }

  private async release(ownerId: string, reservation: Reservation | null): Promise<void> {
    if (!reservation) return;
    await reservation.turn.end();
    await this.uploads.remove(ownerId, reservation.id);
  }
}

const isTooLarge = (error: unknown): boolean => error instanceof AppError && error.code === 'body_too_large';
