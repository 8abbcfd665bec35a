import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import type { Media, Upload } from '@mediakiln/entities';
import { type ChunkState, ChunkStore, MediaStore } from '@mediakiln/media';
import { ChunkAssembly } from './chunk.assembly';
import { chunkFieldsOf } from './chunk.fields';
import { ChunkReceiver } from './chunk.receiver';
import { VideoUploadsService } from './video-uploads.service';

/** What a chunk is answered: what is missing, or the video. */
export type ChunkOutcome = { number: number; total: number } & (
  { state: ChunkState; video?: undefined } | { video: Media }
);

/** Videos that come in numbered chunks. */
@Injectable()
export class ChunksService {
  constructor(
    private readonly receiver: ChunkReceiver,
    private readonly chunks: ChunkStore,
    private readonly assembly: ChunkAssembly,
    private readonly media: MediaStore,
    private readonly videos: VideoUploadsService,
  ) {}

  /** @throws AppError validation_failed, upload_conflict, and whatever the limits and the finished file are refused with */
  async take(ownerId: string, request: IncomingMessage, requestId: string): Promise<ChunkOutcome> {
    const received = await this.receiver.receive(ownerId, request);
    const { number, ...set } = await this.entered(ownerId, received);
    if (set.state.missing_count > 0) return { number, total: set.total, state: set.state };
    const video = await this.videoOf(set.state.upload, requestId);
    return { number, total: set.total, video };
  }

  private async entered(
    ownerId: string,
    received: Awaited<ReturnType<ChunkReceiver['receive']>>,
  ): Promise<{ number: number; total: number; state: ChunkState }> {
    try {
      const { number, ...set } = chunkFieldsOf(received.fields);
      const { staged, reservation } = received;
      const state = await this.chunks.accept({ owner_id: ownerId, ...set }, { number, staged, reservation });
      return { number, total: set.total_chunks, state };
    } finally {
      await received.release();
    }
  }

  /** Also for whoever re-sends a chunk: the same video. */
  private async videoOf(set: Upload, requestId: string): Promise<Media> {
    const id = await this.assembly.finish(set, requestId);
    const media = await this.media.find(set.owner_id, id);
    if (!media) throw new AppError('upload_conflict', 'The chunks made no video, and were removed');
    try {
      return await this.videos.judged(media, {});
    } catch (error) {
      if (error instanceof AppError && error.status < 500) await this.assembly.remove(set);
      throw error;
    }
  }
}
