import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { AppError, type ImageProbe } from '@mediakiln/contracts';
import { type Execution, type ExecutionInput, type ExecutionResult, MediaExecutor } from '@mediakiln/jobs';
import { inSpan } from '@mediakiln/observability';
import {
  type AnyImageOperation,
  type AnyOperation,
  FORMATS,
  type ImageChain,
  type ImageFactsOperation,
  type ImageOperation,
  type ImageTarget,
  MAX_IMAGE_PIXELS,
  OPERATIONS,
  imageProbe,
} from '@mediakiln/operations';
import type { Metadata } from 'sharp';
import { type Chain, resultsOf } from './chain';
import { type ImageFile, engineVersions, openHeader, writableFormats } from './engine';
import { look, makePicture, pixelsInWork, storedPixels } from './make-picture';
import { pictureError } from './picture-error';
import { PixelBudget } from './pixel-budget';

/** Two of the largest images that are taken: a third waits. */
const PIXELS_IN_WORK = 2 * MAX_IMAGE_PIXELS;
const VARIANT = 'output';
/** As large as photos are. With the slots of a machine of many cores it is still a part of what their pixels take. */
const HELD_BYTES = 4 << 20;

/** Runs image operations on sharp. Nothing else in the platform loads it. */
@Injectable()
export class ImageExecutor extends MediaExecutor {
  readonly operations: readonly AnyImageOperation[] = OPERATIONS.filter(isImageOperation);
  override readonly heldBytes = HELD_BYTES;
  /** Formats that this build of libvips writes. */
  protected readonly encoders: ReadonlySet<string> = writableFormats();
  private readonly budget = new PixelBudget(PIXELS_IN_WORK);

  async engines(): Promise<{ versions: Record<string, string>; encoders: string[] }> {
    return { versions: engineVersions(), encoders: [...this.encoders] };
  }

  async probe(input: Pick<ExecutionInput, 'path' | 'data' | 'container'>): Promise<ImageProbe> {
    return imageProbe.facts(await headerOf(input), input.container);
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
    const operation = execution.operation as ImageFactsOperation | ImageOperation | ImageChain;
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
    const header = operation.facts(await headerOf(input), input.container);
    const facts = await this.withinBudget(header, signal, async () => ({
      ...header,
      placeholder: await look(imageOf(input), header),
    }));
    return { outputs: [], facts, report: operation.report?.(facts) };
  }

  private async transform(
    operation: ImageOperation | ImageChain,
    execution: Execution,
    input: ExecutionInput,
  ): Promise<ExecutionResult> {
    const { workdir, signal } = execution;
    const chain = chainOf(operation, execution);
    const { probe } = chain.inputs[0]!;
    this.refuseUnwritable(FORMATS[resultsOf(chain.steps, probe).at(-1)!.format].target);
    const made = await this.withinBudget(probe, signal, () => makePicture(chain, input), pixelsInWork(chain));
    const { target } = FORMATS[made.format];
    const info = { mime_type: target.mime_type, probe: made.probe };
    signal.throwIfAborted();
    const file = { path: join(workdir, `${VARIANT}.part`), data: made.bytes };
    const { extension, container } = target;
    return {
      outputs: [{ variant: VARIANT, ...file, extension, container, info }],
      report: {
        ...made.report,
        ...(chain.steps.length > 1 ? { steps: chain.steps.map((step) => step.operation.name) } : {}),
        format: container,
        kept_original: made.isOriginal,
        bytes_before: input.bytes,
        bytes_after: made.bytes.length,
        saved_percent: savedPercent(input.bytes, made.bytes.length),
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
    pixels = storedPixels(probe),
  ): Promise<T> {
    const release = await this.budget.reserve(pixels, signal);
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
function headerOf(input: Pick<ExecutionInput, 'path' | 'data' | 'container'>): Promise<Metadata> {
  const image = imageOf(input);
  return openHeader(image)
    .metadata()
    .catch(async (error: unknown) => {
      throw await pictureError(error, image, input.container as ImageProbe['format']);
    });
}

/** An operation on its own is a chain of one step, whose layers are all further inputs. */
function chainOf(operation: ImageOperation | ImageChain, { inputs, params, signal }: Execution): Chain {
  const probed = inputs.map((input) => ({ image: imageOf(input), probe: imageProbeOf(input) }));
  const steps =
    'steps' in operation
      ? operation.steps(params)
      : [{ operation, params, layers: inputs.slice(1).map((_, index) => index + 1) }];
  // The probe has decoded it in time; encoders of some formats take much longer, and the operation knows.
  const seconds = operation.timeoutSeconds(
    probed.map(({ probe }) => probe),
    params,
  );
  return { steps, inputs: probed, layers: new Map(), seconds, signal };
}

const imageOf = ({ path, data }: Pick<ExecutionInput, 'path' | 'data'>): ImageFile => data ?? path;

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
