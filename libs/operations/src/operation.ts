import type { FieldError, ImageProbe, MediaKind, Probe, Topic, VideoProbe } from '@mediakiln/contracts';
import type { Metadata, Sharp, SharpOptions } from 'sharp';
import type { EngineFacts, FrameSpan, TickRange, VideoPlan } from './video-plan';

/** `quick`: seconds at most, runs in slots that no transcode can fill. `heavy`: anything else. */
export type Lane = 'quick' | 'heavy';

interface OperationBase<P extends object> {
  /** Public name, `<engine>.<verb>`. */
  name: string;
  lane: Lane;
  /** One sentence for the catalogue and Swagger. */
  summary: string;
  /** Grows when the same parameters would make another output. */
  version: number;
  /** class-validator + Swagger decorated parameter class; unknown fields are refused. */
  params: new () => P;
  /** Parameters that succeed on the sample media. */
  example: Partial<P>;
  /** Kinds of media that each input may be, and how many inputs. */
  accepts: readonly MediaKind[];
  minInputs: number;
  maxInputs: number;
  /**
   * What a later step may take of this one's outputs: variant -> kind, first the one that it takes unless told. Absent:
   * `output`, of the kind that the engine is for.
   */
  makes?: Readonly<Record<string, MediaKind>>;
  /** Wall limit of one attempt, in seconds. */
  timeoutSeconds(probes: readonly Probe[], params: P): number;
  /** Pure: what one parameter alone cannot tell, such as two that exclude each other. Pointers start at `/params`. */
  rules?(params: P): FieldError[];
  /**
   * Pure. Refuses what can be known before running; the gateway calls it when the inputs are probed, the runner always.
   * @throws AppError
   */
  check(probes: readonly Probe[], params: P): void;
}

/**
 * An image operation that makes a picture: `open`, `draw`, `encode`, one after the other. They are apart so that several
 * operations can be fused into one decode and one encode: then only the last one's `encode` is called.
 */
export interface ImageOperation<P extends object = object> extends OperationBase<P> {
  engine: 'image';
  role: 'transform';
  /** Constructor options for the first input; the executor adds the security limits. */
  open(params: P, probe: ImageProbe): SharpOptions;
  /** Pure: the work on a further input, upright and in sRGB, before `draw` gets it as a layer. */
  prepare?(pipeline: Sharp, params: P, probe: ImageProbe, layer: ImageProbe): Sharp;
  /** Pure: the work on the pixels and their colours. It must not rely on `encode`, which may not come. */
  draw(pipeline: Sharp, params: P, probe: ImageProbe, layers: readonly ImageLayer[]): Sharp;
  /** Pure: the format and what goes into the file besides the pixels. `probe` is the one that `draw` had. */
  encode(pipeline: Sharp, params: P, probe: ImageProbe): Sharp;
  /** What `draw` makes, in which format, as far as it can be known before; the placeholder where the look stays. */
  result(params: P, probe: ImageProbe): ImageProbe;
  /** An animation is drawn frame by frame: libvips has the frames one below the other and cannot do this to all at once. */
  isByFrame?: boolean;
  /** What the executor pursues around the pipeline. */
  goal?(params: P, probe: ImageProbe): ImageGoal<P>;
  /** Goes into the job's report, beside what the executor measured. */
  report?(params: P, probe: ImageProbe): Record<string, unknown>;
}

/** A prepared further input: 8 bits of each channel, the last of them alpha. */
export interface ImageLayer {
  data: Buffer;
  width: number;
  height: number;
  channels: 1 | 2 | 3 | 4;
}

export interface ImageStep<P extends object = object> {
  operation: ImageOperation<P>;
  /** Validated. */
  params: P;
  /** Indexes of the job's inputs that become the layers of this step. */
  layers: readonly number[];
}

/** Several image operations in one: each works on what the one before it drew. */
export interface ImageChain<P extends object = object> extends OperationBase<P> {
  engine: 'image';
  role: 'transform';
  steps(params: P): readonly ImageStep[];
}

export interface ImageTarget {
  container: ImageProbe['format'];
  mime_type: string;
  extension: string;
}

export interface ImageGoal<P extends object = object> {
  /** Return the input's own bytes when the output would not be smaller. */
  keep_smaller?: boolean;
  /** When the input's own bytes are returned, leave their EXIF, XMP and comments behind. */
  strip_metadata?: boolean;
  /** Look for the highest quality, `quality` at most, whose file fits; `at` gives the parameters of another one. */
  fit?: { max_bytes: number; quality: number; at: (quality: number) => P };
}

/** An image operation that only reads. */
export interface ImageFactsOperation<P extends object = object> extends OperationBase<P> {
  engine: 'image';
  role: 'facts';
  /** Pure: sharp's metadata as our probe. @throws AppError when a limit is exceeded. */
  facts(metadata: Metadata, container: string): ImageProbe;
  /** Goes into the job's report. The placeholder is in the facts by then. */
  report?(facts: ImageProbe): Record<string, unknown>;
}

export interface VideoOperation<P extends object = object> extends OperationBase<P> {
  engine: 'video';
  role: 'transform';
  /** Encoders that the plans name: where ffmpeg lacks one, the operation is not offered. */
  encoders: readonly string[];
  /** Pure: the stretch whose frames `plan` must know. Without it `plan` gets null. */
  span?(probes: readonly Probe[], params: P): TickRange | null;
  /** Pure. @throws AppError when the frames that were found refuse what the probe allowed. */
  plan(probes: readonly Probe[], params: P, span: FrameSpan | null, engine: EngineFacts): VideoPlan;
}

/** Besides ffprobe's JSON: what only the executor knows of the file that it looked into. */
export interface ProbedFile {
  /** From our own sniff. */
  container: string;
  /** Stream index -> where its last readable packet ends, in the file's own seconds; null: nobody looked. */
  readable_until: Readonly<Record<number, number>> | null;
  /** An MP4 of which one index tells where each sample is. */
  has_index: boolean;
  max_seconds: number;
}

/** A video operation that only reads: the executor hands it ffprobe's JSON. */
export interface VideoFactsOperation<P extends object = object> extends OperationBase<P> {
  engine: 'video';
  role: 'facts';
  /** Pure. @throws AppError when a limit is exceeded. */
  facts(ffprobe: unknown, file: ProbedFile): VideoProbe;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a catalogue holds operations of any parameter class
export type AnyImageOperation = ImageOperation<any> | ImageChain<any> | ImageFactsOperation<any>;
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
export type AnyVideoOperation = VideoOperation<any> | VideoFactsOperation<any>;
export type AnyOperation = AnyImageOperation | AnyVideoOperation;

/** The outputs of an operation that a later step may take, by variant. */
export function madeBy({ engine, role, makes }: AnyOperation): Readonly<Record<string, MediaKind>> {
  return role === 'facts' ? {} : (makes ?? { output: engine });
}

export function topicOf(operation: Pick<AnyOperation, 'engine' | 'lane'>): Topic {
  if (operation.engine === 'image') return 'image';
  return operation.lane === 'quick' ? 'video.quick' : 'video';
}
