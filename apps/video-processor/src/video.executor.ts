import { AppError, type Probe, type VideoProbe } from '@mediakiln/contracts';
import { type Execution, type ExecutionInput, type ExecutionResult, MediaExecutor } from '@mediakiln/jobs';
import {
  type AnyOperation,
  type AnyVideoOperation,
  type EngineRun,
  FORMATS,
  OPERATIONS,
  type VideoFactsOperation,
  type VideoOperation,
  type VideoPlan,
  videoProbe,
} from '@mediakiln/operations';
import type { FfmpegEngine } from './ffmpeg/engine';
import { probeJson, readableUntil, statedEnd, targetOf } from './ffmpeg/ffprobe';
import { findFrames } from './ffmpeg/frames';
import { findFramesAndIdrs } from './ffmpeg/idr';
import { findIndexedFrames } from './indexed-frames';
import { movieOf } from './mp4/movie';
import { type PlanOrder, runPlan } from './run-plan';
import { verifyOutput } from './verify-output';
import { writeTexts } from './write-texts';

export interface VideoLimits {
  maxVideoSeconds: number;
  maxOutputBytes: number;
  /** ffmpeg that makes no progress for so long is hung. */
  silenceSeconds: number;
}

/** Runs the catalogue's video operations on ffmpeg. The operations say what; the folder `ffmpeg` knows how. */
export class VideoExecutor extends MediaExecutor {
  readonly operations: readonly AnyVideoOperation[];

  constructor(
    private readonly engine: FfmpegEngine,
    private readonly limits: VideoLimits,
  ) {
    super();
    this.operations = OPERATIONS.filter(isVideo).filter((operation) => this.canRun(operation));
  }

  async engines(): Promise<{ versions: Record<string, string>; encoders: string[] }> {
    return { versions: this.engine.versions, encoders: [...this.engine.capabilities.encoders] };
  }

  async probe(
    input: Pick<ExecutionInput, 'path' | 'container'>,
    attempt: Pick<Execution, 'workdir' | 'signal'>,
  ): Promise<VideoProbe> {
    // Of a picture ffprobe does not tell what sharp does, such as its orientation in every format.
    if (input.container in FORMATS)
      throw new AppError(
        'unsupported_input',
        'There is a picture at the address: upload it and name its media_id, since video operations fetch videos alone',
      );
    return this.facts(attempt, input, videoProbe);
  }

  async execute(execution: Execution): Promise<ExecutionResult> {
    const operation = execution.operation as VideoOperation | VideoFactsOperation;
    return operation.role === 'facts'
      ? { outputs: [], facts: await this.facts(execution, onlyInput(execution), operation) }
      : await this.transform(execution, operation);
  }

  private canRun(operation: AnyVideoOperation): boolean {
    const { encoders } = this.engine.capabilities;
    return operation.role === 'facts' || operation.encoders.every((name) => encoders.has(name));
  }

  private async facts(
    attempt: Pick<Execution, 'workdir' | 'signal'>,
    input: Pick<ExecutionInput, 'path' | 'container'>,
    operation: VideoFactsOperation,
  ): Promise<VideoProbe> {
    const target = targetOf(attempt, input);
    const json = await probeJson(this.engine, target);
    return operation.facts(json, {
      container: input.container,
      readable_until: await readableUntil(this.engine, target, statedEnd(json)),
      has_index: (await movieOf(target.container, target.path)) !== null,
      max_seconds: this.limits.maxVideoSeconds,
    });
  }

  private async transform(execution: Execution, operation: VideoOperation): Promise<ExecutionResult> {
    const { inputs, params } = execution;
    const probes = inputs.map((input) => probeOf(input, operation));
    probes.forEach((probe) => this.refuseUndecodable(probe));
    const span = await this.span(execution, operation, probes);
    const plan = operation.plan(probes, params, span, this.engine.capabilities);
    this.refuseTooLong(plan);
    runsOf(plan).forEach((run) => this.refuseUnwritable(run));
    const order = {
      threads: this.engine.threadsFor(Math.max(...probes.map(pixelsOf))),
      wallSeconds: operation.timeoutSeconds(probes, params),
    };
    return this.carryOut(onlyUpward(execution), plan, order);
  }

  private async carryOut(execution: Execution, plan: VideoPlan, order: PlanOrder): Promise<ExecutionResult> {
    try {
      const { maxOutputBytes: maxBytes } = this.limits;
      const complaints = await runPlan(this.engine, execution, plan, { ...this.limits, ...order });
      const outputs = await verifyOutput(this.engine, execution, plan, { complaints, maxBytes });
      return { outputs: [...outputs, ...(await writeTexts(execution.workdir, plan))], report: plan.report };
    } catch (error) {
      if (!plan.otherwise || execution.signal.aborted || !isFaultOfThePlan(error)) throw error;
      const { outputs, report } = await this.carryOut(execution, plan.otherwise, order);
      return { outputs, report: { ...report, fallback_reason: error.detail } };
    }
  }

  private async span(execution: Execution, operation: VideoOperation, probes: Probe[]) {
    const [probe] = probes;
    if (!operation.span || !probe || probe.kind === 'image' || !probe.video) return null;
    const range = operation.span(probes, execution.params);
    if (!range) return null;
    const target = targetOf(execution, onlyInput(execution));
    if (!range.wants_packets) return findFrames(this.engine, target, probe, probe.video, range);
    const indexed = target.container === 'mov' && (await findIndexedFrames(target, probe.video, range));
    return indexed || findFramesAndIdrs(this.engine, target, probe, probe.video, range);
  }

  private refuseUnwritable({ encoders = [] }: EngineRun): void {
    const { capabilities } = this.engine;
    const missing = encoders.filter((name) => !capabilities.encoders.has(name));
    if (missing.length > 0)
      throw new AppError(
        'encoder_missing',
        `The ffmpeg of this server (${capabilities.version}) has no encoder ${missing.join(', ')}`,
      );
  }

  /** Several inputs may be too long together. */
  private refuseTooLong({ outputs }: VideoPlan): void {
    const { maxVideoSeconds } = this.limits;
    const seconds = Math.max(
      ...outputs.map(({ verify }) => ('duration_seconds' in verify ? verify.duration_seconds : 0)),
    );
    if (seconds > maxVideoSeconds)
      throw new AppError(
        'video_too_long',
        `The video would last ${Number(seconds.toFixed(3))} s; at most ${maxVideoSeconds} s are made`,
      );
  }

  /** Builds differ in one decoder that we take. */
  private refuseUndecodable(probe: Probe): void {
    if (probe.kind === 'image') return;
    if (probe.video?.codec === 'av1' && !this.engine.capabilities.decoders.has('libdav1d'))
      throw new AppError('unsupported_codec', 'The ffmpeg of this server cannot decode AV1');
  }
}

/** What a plan may need: its own encoders and those of what is done otherwise. */
const runsOf = (plan: VideoPlan): EngineRun[] => [
  ...plan.runs,
  ...(plan.otherwise ? runsOf(plan.otherwise) : []),
];

/** A cheaper way may meet what only the dearer one can read; a limit or an abort would meet that one too. */
const isFaultOfThePlan = (error: unknown): error is AppError =>
  error instanceof AppError &&
  ['output_not_verified', 'video_corrupt', 'engine_crashed'].includes(error.code);

/** A plan that is carried out instead of another counts anew: what was told of the first one never shrinks. */
function onlyUpward(execution: Execution): Execution {
  let reached = 0;
  return {
    ...execution,
    onProgress: (progress) => {
      if (progress.percent <= reached) return;
      reached = progress.percent;
      execution.onProgress(progress);
    },
  };
}

const isVideo = (operation: AnyOperation): operation is AnyVideoOperation => operation.engine === 'video';

function onlyInput({ inputs }: Execution): ExecutionInput {
  const [input] = inputs;
  if (!input) throw new AppError('wrong_input_count', 'The operation takes an input');
  return input;
}

function probeOf({ probe }: ExecutionInput, operation: VideoOperation): Probe {
  if (probe === null) throw new AppError('media_not_ready', 'The input has not been looked into yet');
  if (operation.accepts.includes(probe.kind)) return probe;
  throw new AppError(
    'unsupported_input',
    `The input is of kind ${probe.kind}, not ${operation.accepts.join(', ')}`,
  );
}

function pixelsOf(probe: Probe): number {
  if (probe.kind === 'image') return probe.stored_width * probe.stored_height;
  return probe.video ? probe.video.coded_width * probe.video.coded_height : 0;
}
