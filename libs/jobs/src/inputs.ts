import { performance } from 'node:perf_hooks';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { AppError, type MediaKind } from '@mediakiln/contracts';
import type { Job, Media } from '@mediakiln/entities';
import { MediaFiles, MediaStore } from '@mediakiln/media';
import type { AnyOperation } from '@mediakiln/operations';
import { Downloads } from './downloads';
import type { Execution, ExecutionInput, MediaExecutor } from './media-executor';

/** All downloads of one attempt together may take so long. */
const DOWNLOADS_MS = 600_000;

/** What a job names: a media that we have by now, or an address whose file comes with the attempt. */
export type JobSource = Media | { url: string };

export type Attempt = Pick<Execution, 'operation' | 'workdir' | 'signal'> & { executor: MediaExecutor };

/** What a job names, in its order. */
@Injectable()
export class Inputs {
  constructor(
    private readonly media: MediaStore,
    private readonly files: MediaFiles,
    private readonly downloads: Downloads,
  ) {}

  /** @throws AppError input_gone, media_failed, media_not_ready */
  async find(job: Job, operation: AnyOperation): Promise<JobSource[]> {
    const ids = job.inputs.flatMap((input) => ('media_id' in input ? [input.media_id] : []));
    const found = new Map((await this.media.findMany(job.owner_id, ids)).map((media) => [media.id, media]));
    const made = await this.madeBefore(job);
    return job.inputs.map((input) => {
      if ('url' in input) return input;
      if ('job_id' in input) return madeFor(operation, made, input);
      const media = found.get(input.media_id);
      if (!media) throw new AppError('input_gone', `The input ${input.media_id} was deleted`);
      if (operation.role === 'transform') assertReady(media);
      return media;
    });
  }

  /** What the earlier jobs of its chain made, as far as it is still there: they are completed, or it would not run. */
  private async madeBefore({ owner_id, inputs }: Job): Promise<Media[]> {
    const ids = new Set(inputs.flatMap((input) => ('job_id' in input ? [input.job_id] : [])));
    return (await this.media.outputsOf([...ids])).filter((media) => media.owner_id === owner_id);
  }

  /** Brings the bytes into the work folder under names that we chose. What is fetched is judged as an upload is. */
  async materialize(sources: readonly JobSource[], attempt: Attempt): Promise<ExecutionInput[]> {
    const inputs: ExecutionInput[] = [];
    const untilMs = performance.now() + DOWNLOADS_MS;
    for (const [index, source] of sources.entries()) {
      const name = `in${index}`;
      if ('url' in source) inputs.push(await this.fetch(source.url, { name, untilMs }, attempt));
      else
        inputs.push({
          path: await this.files.materialize(source, attempt.workdir, name),
          container: source.container,
          bytes: source.bytes,
          probe: source.probe?.kind === 'other' ? null : source.probe,
        });
    }
    return inputs;
  }

  private async fetch(
    url: string,
    { name, untilMs }: { name: string; untilMs: number },
    { operation, executor, workdir, signal }: Attempt,
  ): Promise<ExecutionInput> {
    const { path, data, sniffed, bytes } = await this.downloads.bring(url, {
      path: join(workdir, name),
      heldBytes: executor.heldBytes,
      // A container that the first bytes call a video may hold nothing but sound.
      accept: ({ kind }) => assertAccepted(operation, url, kind === 'video' ? ['video', 'audio'] : [kind]),
      totalMs: Math.max(1, untilMs - performance.now()),
      signal,
    });
    const { container } = sniffed;
    const probe = await executor.probe({ path, data, container }, { workdir, signal });
    assertAccepted(operation, url, [probe.kind]);
    return { path, data, container, bytes, probe };
  }
}

/** The last part of the address, as a name for what is made of it. */
export function nameOf(source: JobSource): string {
  if (!('url' in source)) return source.name;
  const part = new URL(source.url).pathname.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(part).replace(/[\p{C}\u2028\u2029/\\]/gu, '');
  } catch {
    return part;
  }
}

function madeFor(
  operation: AnyOperation,
  made: readonly Media[],
  { job_id, output }: { job_id: string; output: string },
): Media {
  const media = made.find((one) => one.job_id === job_id && one.variant === output);
  if (!media) throw new AppError('input_gone', `The ${output} of job ${job_id} was deleted`);
  if (!operation.accepts.includes(media.kind))
    throw new AppError(
      'unsupported_input',
      `${operation.name} takes ${operation.accepts.join(', ')}, but job ${job_id} made a media of kind ${media.kind}`,
    );
  return media;
}

function assertAccepted(operation: AnyOperation, url: string, kinds: readonly MediaKind[]): void {
  if (!kinds.some((kind) => operation.accepts.includes(kind)))
    throw new AppError(
      'unsupported_input',
      `${operation.name} takes ${operation.accepts.join(', ')}, but what came from ${new URL(url).host} is of kind ${kinds[0]}`,
    );
}

function assertReady(media: Media): void {
  if (media.status === 'failed')
    throw new AppError(
      'media_failed',
      `The input ${media.id} could not be read: ${media.error_detail ?? ''}`,
    );
  if (media.status === 'processing')
    throw new AppError('media_not_ready', `The input ${media.id} is still being probed`);
}
