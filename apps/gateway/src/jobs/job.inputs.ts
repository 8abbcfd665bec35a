import { Injectable } from '@nestjs/common';
import { AppError, type Probe } from '@mediakiln/contracts';
import type { JobInput, Media } from '@mediakiln/entities';
import { MediaStore } from '@mediakiln/media';
import { AddressRules } from '@mediakiln/net';
import type { AnyOperation } from '@mediakiln/operations';
import type { PlannedJob } from './job.plan';
import type { JobInputRequest } from './job.request';
import { asAsked } from './refusals';

/** An input of a job that is to be; what an earlier one makes is named by that one's place. */
export type ResolvedInput = Exclude<JobInput, { job_id: string }> | { job: number; output: string };

export interface ResolvedInputs {
  /** Of each job. */
  inputs: ResolvedInput[][];
  /** The job that has to end before the first: the probe of a media. */
  dependsOn: string | null;
}

/** What a request names, checked against the operations before anything is queued. */
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
    jobs: readonly PlannedJob[],
    asked: readonly JobInputRequest[],
  ): Promise<ResolvedInputs> {
    for (const job of jobs) within(job, () => assertCount(job));
    const takers = asked.map((_, index) => takerOf(jobs, index));
    asked.forEach(({ url }, index) => this.assertCallable(takers[index]!, url, `/inputs/${index}/url`));
    const found = await this.find(ownerId, takers, asked);
    for (const job of jobs) within(job, () => assertUsable(job, found));
    const [first] = jobs;
    return {
      inputs: jobs.map(({ inputs }) =>
        inputs.map((one): ResolvedInput => {
          if ('job' in one) return one;
          const source = found[one.input]!;
          return 'id' in source ? { media_id: source.id } : source;
        }),
      ),
      dependsOn: first!.operation.role === 'transform' ? unfinishedProbe(mediaOf(first!, found)) : null,
    };
  }

  private assertCallable(operation: AnyOperation, url: string | undefined, pointer: string): void {
    if (url === undefined) return;
    try {
      assertFetches(operation);
      this.addresses.parse(url);
    } catch (error) {
      const { code, detail } = AppError.from(error);
      throw new AppError(code, detail, { errors: [{ pointer, code, detail }] });
    }
  }

  private async find(
    ownerId: string,
    takers: readonly AnyOperation[],
    asked: readonly JobInputRequest[],
  ): Promise<Source[]> {
    const ids = asked.flatMap(({ media_id }) => (media_id === undefined ? [] : [media_id]));
    const found = new Map(
      (
        await this.media.findMany(
          ownerId,
          ids.filter((id) => id !== 'latest'),
        )
      ).map((one) => [one.id, one]),
    );
    const latest = await this.latestOf(ownerId, takers, asked);
    return asked.map(({ media_id, url }, index) => {
      if (url !== undefined) return { url };
      const media = media_id === 'latest' ? latest.get(takers[index]!) : found.get(media_id!);
      if (!media) throw new AppError('input_not_found', notFound(media_id!, takers[index]!));
      return media;
    });
  }

  /** By the operation that takes it: `latest` is the newest of a kind that this one accepts. */
  private async latestOf(
    ownerId: string,
    takers: readonly AnyOperation[],
    asked: readonly JobInputRequest[],
  ): Promise<Map<AnyOperation, Media | null>> {
    const found = new Map<AnyOperation, Media | null>();
    for (const [index, { media_id }] of asked.entries()) {
      const taker = takers[index]!;
      if (media_id === 'latest' && !found.has(taker))
        found.set(taker, await this.media.latestReady(ownerId, taker.accepts));
    }
    return found;
  }
}

type Source = Media | { url: string };

/** ffprobe tells of a picture less than sharp does: what the video processor makes of pictures, it makes of probed ones. */
function assertFetches({ name, engine, role, accepts }: AnyOperation): void {
  if (role === 'facts')
    throw new AppError('unsupported_input', `${name} looks into a media, not at an address`);
  if (engine === 'video' && accepts.includes('image'))
    throw new AppError(
      'unsupported_input',
      `${name} does not fetch pictures: upload this one with POST /v1/media and name its media_id`,
    );
}

/** Who takes an input of the request: of a plan, every input is taken. */
const takerOf = (jobs: readonly PlannedJob[], index: number): AnyOperation =>
  jobs.find(({ inputs }) => inputs.some((one) => 'input' in one && one.input === index))!.operation;

const mediaOf = ({ inputs }: PlannedJob, found: readonly Source[]): Media[] =>
  inputs.flatMap((one) => {
    const source = 'input' in one ? found[one.input]! : undefined;
    return source && 'id' in source ? [source] : [];
  });

/** Says which step of the request a refusal is about. */
function within({ steps }: PlannedJob, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw asAsked(steps, error);
  }
}

function assertCount({ operation, inputs }: PlannedJob): void {
  const { name, minInputs, maxInputs } = operation;
  if (inputs.length >= minInputs && inputs.length <= maxInputs) return;
  const range = minInputs === maxInputs ? minInputs : `${minInputs} to ${maxInputs}`;
  throw new AppError('wrong_input_count', `${name} takes ${range} inputs, not ${inputs.length}`);
}

/** Of media that are still being probed, and of what is yet to be made, the worker finds the rest out. */
function assertUsable(job: PlannedJob, found: readonly Source[]): void {
  const { operation, params, inputs } = job;
  const media = mediaOf(job, found);
  for (const one of media) assertAccepted(operation, one);
  const isKnown = media.length === inputs.length && media.every(({ status }) => status === 'ready');
  if (operation.role === 'transform' && isKnown)
    operation.check(
      media.map((one) => one.probe).filter((probe): probe is Probe => probe !== null),
      params,
    );
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
