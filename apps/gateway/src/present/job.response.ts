import { ERRORS, JOB_STATUSES, type JobStatus, isTerminal } from '@mediakiln/contracts';
import type { Job, JobEvent, JobProgress, JobPurpose, Media } from '@mediakiln/entities';
import { type ChainStep, MAX_FAILURES, MAX_QUEUE_POSITION } from '@mediakiln/jobs';
import type { MediaUrls } from '@mediakiln/media';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ChainResponse, chainOf } from './chain.response';
import { MediaResponse, presentMedia } from './media.response';

export class ProgressResponse {
  @ApiProperty({ minimum: 0, maximum: 100, example: 42 })
  percent: number;

  @ApiProperty({ example: 'encoding', description: 'What the engine is doing' })
  stage: string;

  @ApiProperty({
    type: Number,
    nullable: true,
    example: 3,
    description: 'Of a running video job, from its speed so far; null where nobody can know',
  })
  eta_seconds: number | null;
}

export class JobInputResponse {
  @ApiPropertyOptional({ format: 'uuid', description: 'This, or `url`' })
  media_id?: string;

  @ApiPropertyOptional({ format: 'uri', description: 'Fetched by the worker' })
  url?: string;

  @ApiPropertyOptional({ format: 'uuid', description: 'An earlier job of its chain, which makes it' })
  job_id?: string;

  @ApiPropertyOptional({ description: 'Which output of that job', example: 'output' })
  output?: string;
}

export class JobErrorResponse {
  @ApiProperty({ example: 'invalid_trim_range', description: 'Stable; listed at /docs/errors' })
  code: string;

  @ApiProperty({ example: 'The start and end do not make a cut' })
  message: string;

  @ApiProperty({ example: 'start_time 5 is not before end_time 2' })
  detail: string;
}

export class JobEventResponse {
  @ApiProperty({ enum: JOB_STATUSES })
  status: JobStatus;

  @ApiProperty({ example: 1 })
  attempt: number;

  @ApiProperty({ example: 'claimed' })
  reason: string;

  @ApiProperty({ format: 'date-time' })
  at: string;
}

export class JobResponse {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'image.compress' })
  operation: string;

  @ApiProperty({ enum: JOB_STATUSES, enumName: 'JobStatus' })
  status: JobStatus;

  @ApiProperty({
    enum: ['request', 'probe', 'thumbnail', 'batch'],
    description: 'Lists hold requests; a probe is of an upload, a batch job of an address in a list',
  })
  purpose: JobPurpose;

  @ApiProperty({ type: ProgressResponse })
  progress: ProgressResponse;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    minimum: 1,
    maximum: MAX_QUEUE_POSITION,
    example: 3,
    description:
      'About its turn among the jobs that wait, all users taking turns; counting stops at the maximum. Null in lists, ' +
      'and unless the job waits and is due',
  })
  queue_position: number | null;

  @ApiProperty({ type: [JobInputResponse] })
  inputs: JobInputResponse[];

  @ApiProperty({ type: 'object', additionalProperties: true })
  params: Record<string, unknown>;

  @ApiProperty({ type: [MediaResponse] })
  outputs: MediaResponse[];

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description: 'How it was done: mode, actual times, bytes saved; differs by operation',
  })
  report: Record<string, unknown> | null;

  @ApiProperty({ type: JobErrorResponse, nullable: true })
  error: JobErrorResponse | null;

  @ApiProperty({ description: 'Times that a worker started on it', example: 1 })
  attempts: number;

  @ApiProperty({
    type: 'integer',
    minimum: 0,
    maximum: MAX_FAILURES,
    description: 'Failures that may pass before it is given up; 0 once it has ended',
  })
  attempts_left: number;

  @ApiProperty({ description: 'Answered from an earlier result' })
  cached: boolean;

  @ApiProperty({ type: 'integer', minimum: -100, maximum: 100, example: 0 })
  priority: number;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description: 'As the request gave it',
  })
  metadata: Record<string, unknown> | null;

  @ApiProperty({
    type: String,
    format: 'uri',
    nullable: true,
    description: 'As the request gave it',
    example: 'https://example.com/hooks/mediakiln',
  })
  webhook_url: string | null;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ format: 'date-time', description: 'Earliest start' })
  run_at: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  started_at: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  finished_at: string | null;

  @ApiProperty({ type: [JobEventResponse], description: 'The status trail' })
  events: JobEventResponse[];

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  batch_id: string | null;

  @ApiProperty({
    type: ChainResponse,
    nullable: true,
    description: 'The jobs of the same request, where its steps became several',
  })
  chain: ChainResponse | null;

  @ApiProperty({ format: 'uri' })
  status_url: string;

  @ApiProperty({ format: 'uri' })
  events_url: string;

  @ApiProperty({ format: 'uri' })
  cancel_url: string;
}

export interface JobParts {
  progress: JobProgress | null;
  events: readonly JobEvent[];
  outputs: readonly Media[];
  /** All jobs of its chain; absent where it is in none. */
  chain?: readonly ChainStep[];
}

/** A job row and what belongs to it, as clients see it; its turn is added where a single job is asked for. */
export function presentJob(job: Job, parts: JobParts, urls: MediaUrls): JobResponse {
  const self = urls.absolute(`/v1/jobs/${job.id}`);
  return {
    id: job.id,
    operation: job.operation,
    status: job.status,
    purpose: job.purpose,
    progress: progressOf(job, parts.progress),
    queue_position: null,
    inputs: job.inputs,
    params: job.params,
    outputs: parts.outputs.map((media) => presentMedia(media, urls)),
    report: job.report,
    error: errorOf(job),
    attempts: job.epoch,
    attempts_left: isTerminal(job.status) ? 0 : Math.max(0, MAX_FAILURES - job.failures),
    cached: false,
    priority: job.priority,
    metadata: job.metadata,
    webhook_url: job.webhook_url,
    created_at: job.created_at.toISOString(),
    run_at: job.run_at.toISOString(),
    started_at: job.started_at?.toISOString() ?? null,
    finished_at: job.finished_at?.toISOString() ?? null,
    events: parts.events.map(presentJobEvent),
    batch_id: job.batch_id,
    chain: chainOf(job, parts.chain),
    status_url: self,
    events_url: `${self}/events`,
    cancel_url: `${self}/cancel`,
  };
}

export function presentJobEvent(
  event: Pick<JobEvent, 'status' | 'attempt' | 'reason' | 'at'>,
): JobEventResponse {
  return { status: event.status, attempt: event.attempt, reason: event.reason, at: event.at.toISOString() };
}

export function progressOf(job: Job, progress: JobProgress | null): ProgressResponse {
  if (job.status === 'processing' && progress) return progress;
  return { percent: job.status === 'completed' ? 100 : 0, stage: job.status, eta_seconds: null };
}

/** While a job waits for another try it tells what went wrong the last time. */
function errorOf(job: Job): JobErrorResponse | null {
  if (!job.error_code || job.status === 'completed') return null;
  return { code: job.error_code, message: ERRORS[job.error_code].title, detail: job.error_detail ?? '' };
}
