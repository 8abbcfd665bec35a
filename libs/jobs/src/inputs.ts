import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import type { Job, Media } from '@mediakiln/entities';
import { MediaFiles, MediaStore } from '@mediakiln/media';
import type { AnyOperation } from '@mediakiln/operations';
import type { ExecutionInput } from './media-executor';

/** The media that a job names, in its order. */
@Injectable()
export class Inputs {
  constructor(
    private readonly media: MediaStore,
    private readonly files: MediaFiles,
  ) {}

  /** @throws AppError input_gone, media_failed, media_not_ready */
  async find(job: Job, operation: AnyOperation): Promise<Media[]> {
    const found = new Map(
      (await this.media.findMany(job.owner_id, idsOf(job))).map((media) => [media.id, media]),
    );
    return idsOf(job).map((id) => {
      const media = found.get(id);
      if (!media) throw new AppError('input_gone', `The input ${id} was deleted`);
      if (operation.role === 'transform') assertReady(media);
      return media;
    });
  }

  /** Brings the bytes into the work folder under names that we chose. */
  async materialize(media: readonly Media[], workdir: string): Promise<ExecutionInput[]> {
    const inputs: ExecutionInput[] = [];
    for (const [index, one] of media.entries()) {
      const path = await this.files.materialize(one, workdir, `in${index}`);
      inputs.push({ path, container: one.container, bytes: one.bytes, probe: one.probe });
    }
    return inputs;
  }
}

const idsOf = (job: Job): string[] =>
  job.inputs.flatMap((input) => ('media_id' in input ? [input.media_id] : []));

function assertReady(media: Media): void {
  if (media.status === 'failed')
    throw new AppError(
      'media_failed',
      `The input ${media.id} could not be read: ${media.error_detail ?? ''}`,
    );
  if (media.status === 'processing')
    throw new AppError('media_not_ready', `The input ${media.id} is still being probed`);
}
