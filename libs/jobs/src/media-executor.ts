import type { OutputInfo, Probe } from '@mediakiln/contracts';
import type { JobProgress } from '@mediakiln/entities';
import type { AnyOperation } from '@mediakiln/operations';

/** A file of an attempt: in the work folder, or small and in memory alone. */
interface AttemptFile {
  path: string;
  /** The whole file; then nothing lies at `path`. */
  data?: Buffer;
}

/** An input, ready for an engine. */
export interface ExecutionInput extends AttemptFile {
  container: string;
  bytes: number;
  /** Null only for the operation that finds it out. */
  probe: Probe | null;
}

export interface Execution {
  job_id: string;
  operation: AnyOperation;
  /** Validated instance of the operation's parameter class. */
  params: object;
  inputs: ExecutionInput[];
  /** Private folder of this attempt; holds only its own inputs. */
  workdir: string;
  /** Aborts on cancel, a lost lease, the time limit or a shutdown: end the engine at once. */
  signal: AbortSignal;
  onProgress(progress: JobProgress): void;
}

export interface ProducedFile extends AttemptFile {
  /** Name of this output within the job; one file has `output`. */
  variant: string;
  extension: string;
  container: string;
  info: OutputInfo;
}

export interface ExecutionResult {
  outputs: ProducedFile[];
  /** From a probe: what the input is. */
  facts?: Probe;
  report?: Record<string, unknown>;
}

/** The engine side of a processor: owns sharp or ffmpeg, knows no database and no queue. */
export abstract class MediaExecutor {
  /** Operations of the catalogue that this executor can run here. */
  abstract readonly operations: readonly AnyOperation[];
  /**
   * Fetched files of at most so many bytes are handed over in memory: a small one costs more as a file, by system calls,
   * than the reading itself. 0 for an engine that reads files only.
   */
  readonly heldBytes: number = 0;
  /** Slots by topic are the processor's; this is what `/v1/operations` tells of the engine. */
  abstract engines(): Promise<{ versions: Record<string, string>; encoders: string[] }>;
  /** What a fetched input is: only its header is read. @throws AppError when it is damaged or exceeds a limit. */
  abstract probe(
    input: Pick<ExecutionInput, 'path' | 'data' | 'container'>,
    attempt: Pick<Execution, 'workdir' | 'signal'>,
  ): Promise<Probe>;
  /** @throws AppError; anything else counts as internal_error. */
  abstract execute(execution: Execution): Promise<ExecutionResult>;
}
