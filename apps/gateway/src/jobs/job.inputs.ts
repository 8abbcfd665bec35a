import { Injectable } from '@nestjs/common';
import { AppError, type Probe } from '@mediakiln/contracts';
import type { JobInput, Media } from '@mediakiln/entities';
import { MediaStore } from '@mediakiln/media';
import { AddressRules } from '@mediakiln/net';
import type { AnyOperation } from '@mediakiln/operations';
import type { JobInputRequest } from './job.request';

export interface ResolvedInputs {
  inputs: JobInput[];
  /** The job that has to end first: the probe of a media. */
  dependsOn: string | null;
}

/** What a request names, checked against the operation before anything is queued. */
@Injectable()
export class JobInputs {
  constructor(
    private readonly media: MediaStore,
    private readonly addresses: AddressRules,
  ) {}

  /**
   * Of an address only the text is judged; where it leads and what is there, the worker finds out.
   * @throws AppError wrong_input_count, input_not_found, unsupported_input, media_failed, url_refused, url_blocked, and
   * what `check` throws.
   */
  async resolve(
    ownerId: string,
    operation: AnyOperation,
    asked: JobInputRequest[],
    params: object,
  ): Promise<ResolvedInputs> {
    const { minInputs, maxInputs } = operation;
    if (asked.length < minInputs || asked.length > maxInputs)
      throw new AppError(
        'wrong_input_count',
        `${operation.name} takes ${minInputs === maxInputs ? minInputs : `${minInputs} to ${maxInputs}`} inputs, not ${asked.length}`,
      );
    asked.forEach(({ url }, index) => this.assertCallable(operation, url, `/inputs/${index}/url`));
    const found = await this.find(ownerId, operation, asked);
    const media = found.filter((one) => 'id' in one);
    for (const one of media) assertAccepted(operation, one);
    if (operation.role === 'transform' && found.every((one) => 'id' in one && one.status === 'ready'))
      operation.check(
        media.map((one) => one.probe).filter((probe): probe is Probe => probe !== null && probe.kind !== 'other'),
        params,
      );
    return {
      inputs: found.map((one) => ('id' in one ? { media_id: one.id } : one)),
      dependsOn: operation.role === 'transform' ? unfinishedProbe(media) : null,
    };
  }

  private assertCallable(operation: AnyOperation, url: string | undefined, pointer: string): void {
    if (url === undefined) return;
    if (operation.role === 'facts')
      throw new AppError('unsupported_input', `${operation.name} looks into a media, not at an address`);
    try {
      this.addresses.parse(url);
    } catch (error) {
      const { code, detail } = AppError.from(error);
      throw new AppError(code, detail, { errors: [{ pointer, code, detail }] });
    }
  }

  private async find(
    ownerId: string,
    operation: AnyOperation,
    asked: JobInputRequest[],
  ): Promise<(Media | { url: string })[]> {
    const ids = asked.flatMap(({ media_id }) => (media_id === undefined ? [] : [media_id]));
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
    return asked.map(({ media_id, url }) => {
      if (url !== undefined) return { url };
      const media = found.get(media_id!);
      if (!media) throw new AppError('input_not_found', notFound(media_id!, operation));
      return media;
    });
  }
}

/** A job on media that is still being probed waits for the probe; more than one unfinished input is rare and deferred. */
function unfinishedProbe(media: readonly Media[]): string | null {
  return media.findLast((one) => one.status === 'processing')?.job_id ?? null;
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
