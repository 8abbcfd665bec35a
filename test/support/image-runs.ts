import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ImageProbe, SNIFF_BYTES, sniff } from '@mediakiln/contracts';
import type { ExecutionResult } from '@mediakiln/jobs';
import {
  type AnyImageOperation,
  type ImageCompressParams,
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
  constructor(readonly executor = new ImageExecutor()) {}

  async probe(image: Buffer, signal = new AbortController().signal): Promise<ImageProbe> {
    return this.inWorkdir(image, async (workdir, path) => {
      const result = await this.execute(workdir, path, image, imageProbe, {}, null, signal);
      if (result.facts?.kind !== 'image') throw new Error('the probe found no image');
      return result.facts;
    });
  }

  compress(image: Buffer, given: Partial<ImageCompressParams> = {}, signal?: AbortSignal): Promise<ImageRun> {
    return this.run(imageCompress, image, given, signal);
  }

  /** Probes, validates, checks and runs, as the platform does. */
  async run<P extends object>(
    operation: ImageOperation<P>,
    image: Buffer,
    given: Partial<P> = {},
    signal = new AbortController().signal,
  ): Promise<ImageRun> {
    const input = await this.probe(image);
    return this.inWorkdir(image, async (workdir, path) => {
      const params = validateParams(operation, given) as P;
      operation.check([input], params);
      const result = await this.execute(workdir, path, image, operation, params, input, signal);
      const [output] = result.outputs;
      if (output?.info.probe.kind !== 'image') throw new Error('no picture came out');
      return {
        bytes: await readFile(output.path),
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
    path: string,
    image: Buffer,
    operation: AnyImageOperation,
    params: object,
    probe: ImageProbe | null,
    signal: AbortSignal,
  ): Promise<ExecutionResult> {
    const { container } = sniff(image.subarray(0, SNIFF_BYTES));
    return this.executor.execute({
      job_id: 'test',
      operation,
      params,
      inputs: [{ path, container, bytes: image.length, probe }],
      workdir,
      signal,
      onProgress: () => undefined,
    });
  }

  private async inWorkdir<T>(image: Buffer, work: (workdir: string, path: string) => Promise<T>): Promise<T> {
    const workdir = await mkdtemp(join(tmpdir(), 'mediakiln-image-'));
    try {
      const path = join(workdir, 'in0');
      await writeFile(path, image);
      return await work(workdir, path);
    } finally {
      await rm(workdir, { recursive: true, force: true });
    }
  }
}
