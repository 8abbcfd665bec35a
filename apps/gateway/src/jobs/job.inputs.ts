import { Injectable } from '@nestjs/common';
import { AppError, type Probe } from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';
import { MediaStore } from '@mediakiln/media';
import type { AnyOperation } from '@mediakiln/operations';
import type { JobInputRequest } from './job.request';

/** The media that a request names, checked against the operation before anything is queued. */
@Injectable()
export class JobInputs {
  constructor(private readonly media: MediaStore) {}

  /** @throws AppError wrong_input_count, input_not_found, unsupported_input, media_failed, and what `check` throws. */
  async resolve(
    ownerId: string,
    operation: AnyOperation,
    asked: JobInputRequest[],
    params: object,
  ): Promise<Media[]> {
    const { minInputs, maxInputs } = operation;
    if (asked.length < minInputs || asked.length > maxInputs)
      throw new AppError(
        'wrong_input_count',
        `${operation.name} takes ${minInputs === maxInputs ? minInputs : `${minInputs} to ${maxInputs}`} inputs, not ${asked.length}`,
      );
    const media = await this.find(ownerId, operation, asked);
    for (const one of media) assertAccepted(operation, one);
    const probes = media.map((one) => one.probe).filter((probe): probe is Probe => probe !== null);
    if (operation.role === 'transform' && media.every((one) => one.status === 'ready'))
      operation.check(probes, params);
    return media;
  }

  private async find(ownerId: string, operation: AnyOperation, asked: JobInputRequest[]): Promise<Media[]> {
    const ids = asked.map((input) => input.media_id);
    const found = new Map(
      (
        await this.media.findMany(
          ownerId,
          ids.filter((id) => id !== 'latest'),
        )
      ).map((one) => [one.id, one]),
    );
    if (ids.includes('latest')) {
      const latest = await this.media.latestReady(ownerId, operation.accepts);
      if (latest) found.set('latest', latest);
    }
    return ids.map((id) => {
      const media = found.get(id);
      if (!media) throw new AppError('input_not_found', notFound(id, operation));
      return media;
    });
  }
}

function notFound(id: string, operation: AnyOperation): string {
  return id === 'latest'
    ? `You have no ready media of a kind that ${operation.name} takes (${operation.accepts.join(', ')}): upload one first`
    : `There is no media ${id}`;
}

function assertAccepted(operation: AnyOperation, media: Media): void {
  if (!operation.accepts.includes(media.kind))
    throw new AppError(
      'unsupported_input',
      `${operation.name} takes ${operation.accepts.join(', ')}, but media ${media.id} is of kind ${media.kind}`,
    );
  if (media.status === 'failed' && operation.role === 'transform')
    throw new AppError(
      'media_failed',
      `Media ${media.id} could not be read: ${media.error_detail ?? media.error_code ?? ''}`,
    );
}
