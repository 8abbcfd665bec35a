import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { UploadStore, type UploadTurn, UploadTurns } from '@mediakiln/media';
import type { StagedFile } from '@mediakiln/storage';
import type { EntityManager } from 'typeorm';
import { UploadRoom } from '../http/upload.room';

/** What a multipart body has besides its file, at most, of an honest client. */
const ENVELOPE_BYTES = 64 << 10;

/** A part of the owner's quota that one body holds while it arrives. */
export interface Reservation {
  /** Its row, for whoever makes an upload of the body in a transaction; null where nothing is reserved. */
  id: string | null;
  /** The file may have so many. */
  maxBytes: number;
  /** The body is here: nothing holds it for longer than a few seconds from now on. */
  arrived(): Promise<void>;
  /**
   * In the transaction that inserts the media, after the put: the media counts from its commit on.
   * @throws AppError quota_exceeded when this was lost on the way and the file does not fit any more
   */
  exchange(tx: EntityManager, file: StagedFile): Promise<void>;
  /** Nothing is reserved any more. */
  release(): Promise<void>;
  /** Of a file that had more bytes than this, or whatever else went wrong. */
  explain(error: unknown): unknown;
}

const nothingToDo = (): Promise<void> => Promise.resolve();

/** Refuses a body by its announced size, before its bytes arrive, and counts it against the quota where there is one. */
@Injectable()
export class UploadReservations {
  constructor(
    private readonly rows: UploadStore,
    private readonly turns: UploadTurns,
    private readonly room: UploadRoom,
  ) {}

  /** @throws AppError storage_full, quota_exceeded */
  async begin(ownerId: string, request: IncomingMessage): Promise<Reservation> {
    const announced = Number(request.headers['content-length'] ?? 0);
    await this.room.refuseWithoutSpace(announced);
    const [holder, askedMs] = [randomUUID(), performance.now()];
    const { maxBytes } = this.room;
    const row = await this.rows.createWithinQuota(
      { owner_id: ownerId, protocol: 'multipart', name: '', holder },
      announced || maxBytes,
      Math.max(0, announced - ENVELOPE_BYTES),
    );
    if (!row)
      return {
        id: null,
        maxBytes,
        arrived: nothingToDo,
        exchange: nothingToDo,
        release: nothingToDo,
        explain: (error) => error,
      };
    const turn = this.turns.begun(row.id, holder, askedMs);
    // A sender may pause, and whoever pauses for too long is cut off (`slow-bodies.ts`): until then the bytes are expected.
    turn.keepWhile(() => request.complete || !request.destroyed);
    return {
      id: row.id,
      maxBytes: Math.min(maxBytes, row.reserved_bytes),
      arrived: () => turn.leave(),
      exchange: (tx, file) => this.rows.exchange(tx, row, file),
      release: () => this.release(ownerId, turn),
      explain: (error) =>
        row.reserved_bytes < maxBytes && error instanceof AppError && error.code === 'body_too_large'
          ? new AppError(
              'quota_exceeded',
              `This account may keep ${row.reserved_bytes} bytes more, and more arrived`,
            )
          : error,
    };
  }

  private async release(ownerId: string, turn: UploadTurn): Promise<void> {
    await turn.end();
    await this.rows.remove(ownerId, turn.id);
  }
}
