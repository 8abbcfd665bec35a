import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { AppError, type ImageProbe } from '@mediakiln/contracts';
import { type Execution, type ExecutionInput, type ExecutionResult, MediaExecutor } from '@mediakiln/jobs';
import { inSpan } from '@mediakiln/observability';
import {
  type AnyImageOperation,
  type AnyOperation,
  FORMATS,
  type ImageFactsOperation,
  type ImageOperation,
  type ImageTarget,
  MAX_IMAGE_PIXELS,
  OPERATIONS,
  imageProbe,
} from '@mediakiln/operations';
import type { Metadata } from 'sharp';
import { engineVersions, openHeader, openImage, writableFormats } from './engine';
import { originalPicture } from './original-picture';
import { isTimeout, pictureError } from './picture-error';
import { PixelBudget } from './pixel-budget';

/** Two of the largest images that are taken: a third waits. */
const PIXELS_IN_WORK = 2 * MAX_IMAGE_PIXELS;
/** A JPEG is decoded to an eighth: every scan is read, and the costly inverse transform is skipped. */
const CHECKED_SIDE = 64;
const VARIANT = 'output';

/** Runs image operations on sharp. Nothing else in the platform loads it. */
@Injectable()
export class ImageExecutor extends MediaExecutor {
  readonly operations: readonly AnyImageOperation[] = OPERATIONS.filter(isImageOperation);
  /** Formats that this build of libvips writes. */
  protected readonly encoders: ReadonlySet<string> = writableFormats();
  private readonly budget = new PixelBudget(PIXELS_IN_WORK);

  async engines(): Promise<{ versions: Record<string, string>; encoders: string[] }> {
    return { versions: engineVersions(), encoders: [...this.encoders] };
  }

  async probe({ path, container }: Pick<ExecutionInput, 'path' | 'container'>): Promise<ImageProbe> {
    return imageProbe.facts(await headerOf(path, container), container);
  }

  /**
   * libvips cannot be stopped half-way: on abort this rejects at once, the work runs out and its result is dropped.
   */
  execute(execution: Execution): Promise<ExecutionResult> {
    const { signal } = execution;
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason as Error);
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      this.run(execution)
        .then(resolve, reject)
        .finally(() => signal.removeEventListener('abort', abort));
    });
  }

  private async run(execution: Execution): Promise<ExecutionResult> {
    const [input] = execution.inputs;
    if (!input) throw new AppError('wrong_input_count', 'An image operation needs an input');
    const operation = execution.operation as ImageFactsOperation | ImageOperation;
    return operation.role === 'facts'
      ? this.find(operation, execution, input)
      : this.transform(operation, execution, input);
  }

  /** Reads the header, then decodes everything once: a header alone does not show that a file is cut off. */
  private async find(
    operation: ImageFactsOperation,
    { signal }: Execution,
    input: ExecutionInput,
  ): Promise<ExecutionResult> {
    const metadata = await headerOf(input.path, input.container);
    const facts = operation.facts(metadata, input.container);
    await this.withinBudget(facts, signal, () => decode(input.path, facts));
    return { outputs: [], facts };
  }

  private async transform(
    operation: ImageOperation,
    execution: Execution,
    input: ExecutionInput,
  ): Promise<ExecutionResult> {
    const { params, workdir, signal } = execution;
    const probe = imageProbeOf(input);
    this.refuseUnwritable(operation.target(params, probe));
    const encoded = await this.withinBudget(
      probe,
      signal,
      () => encode(operation, execution, probe),
      operation.outputPixels?.(params, probe),
    );
    const goal = operation.goal?.(params, probe) ?? {};
    const original =
      goal.keep_smaller === true && encoded.length >= input.bytes
        ? await originalPicture(input.path, probe.format, goal.strip_metadata === true)
        : undefined;
    const bytes = original ?? encoded;
    const target = original ? FORMATS[probe.format].target : operation.target(params, probe);
    const info = {
      mime_type: target.mime_type,
      probe: imageProbe.facts(await openHeader(bytes).metadata(), target.container),
    };
    signal.throwIfAborted(); // the work folder may be gone
    const path = join(workdir, `${VARIANT}.part`);
    await writeFile(path, bytes);
    return {
      outputs: [{ variant: VARIANT, path, extension: target.extension, container: target.container, info }],
      report: {
        ...operation.report?.(params, probe),
        format: target.container,
        kept_original: original !== undefined,
        bytes_before: input.bytes,
        bytes_after: bytes.length,
        saved_percent: savedPercent(input.bytes, bytes.length),
      },
    };
  }

  private refuseUnwritable({ container }: ImageTarget): void {
    if (!this.encoders.has(container))
      throw new AppError(
        'encoder_missing',
        `libvips ${engineVersions().libvips} of this server was built without ${container.toUpperCase()}`,
      );
  }

  /** The pixels are given back when the engine has really ended, even if the job no longer waits for it. */
  private async withinBudget<T>(
    probe: ImageProbe,
    signal: AbortSignal,
    work: () => Promise<T>,
    outputPixels = 0,
  ): Promise<T> {
    const pixels = probe.stored_width * probe.stored_height * probe.frames;
    const release = await this.budget.reserve(Math.max(pixels, outputPixels), signal);
    const attributes = {
      'media.format': probe.format,
      'media.width': probe.stored_width,
      'media.height': probe.stored_height,
      'media.frames': probe.frames,
    };
    try {
      return await inSpan({ name: 'sharp', attributes }, work);
    } finally {
      release();
    }
  }
}

/** @throws AppError what is wrong with it. */
const headerOf = (path: string, container: string): Promise<Metadata> =>
  openHeader(path)
    .metadata()
    .catch(async (error: unknown) => {
      throw await pictureError(error, path, container as ImageProbe['format']);
    });

/** Decodes the whole picture and throws it away. @throws AppError what is wrong with it. */
async function decode(path: string, probe: ImageProbe): Promise<void> {
  try {
    await openImage(path, { ignoreIcc: true, animated: probe.frames > 1 })
      .resize({ width: CHECKED_SIDE, height: CHECKED_SIDE, fit: 'fill', kernel: 'nearest' })
      .raw()
      .toBuffer();
  } catch (error) {
    throw await pictureError(error, path, probe.format);
  }
}

/**
 * In memory: an output has at most as many bytes as its pixels, and a full disk then is an error of the file system
 * with a code, not a sentence of libvips.
 */
async function encode(
  operation: ImageOperation,
  { inputs, params }: Execution,
  probe: ImageProbe,
): Promise<Buffer> {
  const paths = inputs.map((input) => input.path);
  const path = paths[0]!;
  const options = operation.open(params, probe);
  // The probe has decoded it in time; encoders of some formats take much longer, and the operation knows.
  const seconds = operation.timeoutSeconds([probe], params);
  const run = (ignoreIcc: boolean | undefined): Promise<Buffer> =>
    operation
      .apply(openImage(path, { ...options, ignoreIcc }), params, probe, paths)
      .timeout({ seconds })
      .toBuffer();
  try {
    return await run(options.ignoreIcc);
  } catch (error) {
    if (isTimeout(error))
      throw new AppError('job_timeout', `The work on this image took more than ${seconds} s`, {
        cause: error,
      });
    // The picture was sound when it was probed. If it still is, its profile may be one that cannot be applied, which
    // shows only now; else the fault is ours, and worth another try.
    await decode(path, probe);
    if (options.ignoreIcc) throw error;
    return run(true);
  }
}

const isImageOperation = (operation: AnyOperation): operation is AnyImageOperation =>
  operation.engine === 'image';

function imageProbeOf(input: ExecutionInput): ImageProbe {
  if (input.probe?.kind !== 'image') throw new AppError('unsupported_input', 'The input is no image');
  return input.probe;
}

/** 0-100 with one decimal; negative when the output is larger. */
function savedPercent(before: number, after: number): number {
  return Math.round((1 - after / before) * 1000) / 10;
}
