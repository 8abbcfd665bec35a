import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import type { Upload } from '@mediakiln/entities';
import { ChunkStore, UploadStore, type UploadTurn, UploadTurns } from '@mediakiln/media';
import { ChunkFiles } from './chunk.files';
import { UploadsService } from '../uploads/uploads.service';

/** Somebody who re-sends a chunk waits so long for another request that is at it. */
const WAIT_MS = 60_000;
const LOOK_EVERY_MS = 1_000;

/** Makes one media of a complete set of chunks, whichever of its requests gets to it. */
@Injectable()
export class ChunkAssembly {
  constructor(
    private readonly rows: UploadStore,
    private readonly turns: UploadTurns,
    private readonly chunks: ChunkStore,
    private readonly files: ChunkFiles,
    private readonly uploads: UploadsService,
  ) {}

  /**
   * Nothing is lost when this fails or the process dies: any chunk that comes again gets here again.
   * @returns the id of the media that the set has become.
   * @throws AppError what `sniff` says of the whole, and the set is removed; storage_full; upload_locked after a while
   */
  async finish(set: Upload, requestId: string): Promise<string> {
    for (const deadline = performance.now() + WAIT_MS; ;) {
      const now = await this.rows.find(set.owner_id, set.id);
      if (!now) throw new AppError('upload_conflict', 'The chunks made no video, and were removed');
      if (now.media_id !== null) return now.media_id;
      const turn = await this.turns.take(set.id, LOOK_EVERY_MS).catch((error: unknown) => {
        if (performance.now() > deadline) throw error;
        return null;
      });
      if (!turn) continue;
      try {
        return await turn.during(() => this.putTogether(set, turn, requestId));
      } finally {
        await turn.end();
      }
    }
  }

  /** A set that will never be a video. Chunks that still arrive begin it anew. */
  async remove(set: Upload): Promise<void> {
    const parts = await this.chunks.parts(set);
    await this.rows.remove(set.owner_id, set.id);
    await this.chunks.removeFiles(parts);
  }

  private async putTogether(set: Upload, turn: UploadTurn, requestId: string): Promise<string> {
    const now = await this.rows.find(set.owner_id, set.id);
    if (now && now.media_id !== null) return now.media_id;
    const parts = await this.chunks.parts(set);
    const whole = await this.files.join(set, parts).catch(async (error: unknown) => {
      if (error instanceof AppError && error.status < 500) await this.remove(set);
      throw error;
    });
    const { resource } = await this.uploads.keep(set.owner_id, whole, {
      requestId,
      also: (tx, mediaId) => this.rows.finish(tx, turn, mediaId),
    });
    // Not before the media is there: until then they are all that is left after a crash.
    await this.chunks.removeFiles(parts);
    return resource.id;
  }
}
