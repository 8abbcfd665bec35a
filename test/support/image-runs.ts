import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ImageProbe, SNIFF_BYTES, sniff } from '@mediakiln/contracts';
import type { ExecutionInput, ExecutionResult } from '@mediakiln/jobs';
import {
  type AnyImageOperation,
  type ImageCompressParams,
  type ImageChain,
  type ImageFactsOperation,
  type ImageOperation,
  imageCompress,
  imageProbe,
  validateParams,
} from '@mediakiln/operations';
import { ImageExecutor } from '../../apps/image-processor/src/image.executor';

export interface ImageRun {
  /** What the executor made. */
  bytes: Buffer;
  probe: ImageProbe;
  extension: string;
  mime_type: string;
  report: Record<string, unknown>;
  /** What the probe said of the input. */
  input: ImageProbe;
}

/** Runs image operations on the real engine as a processor does, in a work folder that is gone afterwards. */
export class ImageRuns {
  /** @param isHeld inputs are handed over in memory, as small downloads are, and not as files. */
  constructor(
    readonly executor = new ImageExecutor(),
    private readonly isHeld = false,
  ) {}

  async probe(image: Buffer, signal?: AbortSignal): Promise<ImageProbe> {
    const { facts } = await this.look(imageProbe, image, signal);
    if (facts?.kind !== 'image') throw new Error('the probe found no image');
    return facts;
  }

  /** Runs an operation that only reads. */
  look(
    operation: ImageFactsOperation,
    image: Buffer,
    signal = new AbortController().signal,
  ): Promise<ExecutionResult> {
    return this.inWorkdir(image, (workdir, path) =>
      this.execute(workdir, [this.inputOf(path, image, null)], operation, {}, signal),
    );
  }

  compress(image: Buffer, given: Partial<ImageCompressParams> = {}, signal?: AbortSignal): Promise<ImageRun> {
    return this.run(imageCompress, image, given, signal);
  }

  /** Probes, validates, checks and runs, as the platform does. */
  async run<P extends object>(
    operation: ImageOperation<P> | ImageChain<P>,
    images: Buffer | readonly Buffer[],
    given: Partial<P> = {},
    signal = new AbortController().signal,
  ): Promise<ImageRun> {
    const [image, ...more] = Buffer.isBuffer(images) ? [images] : images;
    const input = await this.probe(image!);
    const layers = await Promise.all(more.map((layer) => this.probe(layer)));
    return this.inWorkdir(image!, async (workdir, path) => {
      const params = validateParams(operation, given) as P;
      operation.check([input, ...layers], params);
      const others = await Promise.all(
        more.map(async (layer, index): Promise<ExecutionInput> => {
          const at = join(workdir, `in${index + 1}`);
          if (!this.isHeld) await writeFile(at, layer);
          return this.inputOf(at, layer, layers[index]!);
        }),
      );
      const inputs = [this.inputOf(path, image!, input), ...others];
      const result = await this.execute(workdir, inputs, operation, params, signal);
      const [output] = result.outputs;
      if (output?.info.probe.kind !== 'image') throw new Error('no picture came out');
      return {
        bytes: output.data ?? (await readFile(output.path)),
        probe: output.info.probe,
        extension: output.extension,
        mime_type: output.info.mime_type,
        report: result.report ?? {},
        input,
      };
    });
  }

  private execute(
    workdir: string,
    inputs: ExecutionInput[],
    operation: AnyImageOperation,
    params: object,
    signal: AbortSignal,
  ): Promise<ExecutionResult> {
    return this.executor.execute({
      job_id: 'test',
      operation,
      params,
      inputs,
      workdir,
      signal,
      onProgress: () => undefined,
    });
  }

  private async inWorkdir<T>(image: Buffer, work: (workdir: string, path: string) => Promise<T>): Promise<T> {
    const workdir = await mkdtemp(join(tmpdir(), 'mediakiln-image-'));
    try {
      const path = join(workdir, 'in0');
      if (!this.isHeld) await writeFile(path, image);
      return await work(workdir, path);
    } finally {
      await rm(workdir, { recursive: true, force: true });
    }
  }

  private inputOf(path: string, image: Buffer, probe: ImageProbe | null): ExecutionInput {
    return {
      path,
      data: this.isHeld ? image : undefined,
      container: sniff(image.subarray(0, SNIFF_BYTES)).container,
      bytes: image.length,
      probe,
    };
  }
}
