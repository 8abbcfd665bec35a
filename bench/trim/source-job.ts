import { randomUUID } from 'node:crypto';
import { linkSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { VideoProbe } from '@mediakiln/contracts';
import { validateParams, videoProbe, videoTrim } from '@mediakiln/operations';
import type { AnyVideoOperation } from '@mediakiln/operations';
import type { VideoExecutor } from '../../apps/video-processor/src/video.executor';
import { cpuSecondsOfTree } from '../support/measure';

export interface FinishedCut {
  path: string;
  report: Record<string, unknown>;
  /** Of ffmpeg's and ffprobe's processes and of this one, checks included. */
  cpuSeconds: number;
  drop(): void;
}

/** Cuts of one probed source, each in a work folder of its own into which the source is hard-linked. */
export class SourceJob {
  private constructor(
    private readonly executor: VideoExecutor,
    private readonly folder: string,
    readonly path: string,
    private readonly probe: VideoProbe,
  ) {}

  static async open(executor: VideoExecutor, folder: string, path: string): Promise<SourceJob> {
    const { facts } = await execute(executor, videoProbe, {}, { path, workdir: folder, probe: null });
    return new SourceJob(executor, folder, path, facts as VideoProbe);
  }

  async trim({ start, end }: { start: number; end: number }): Promise<FinishedCut> {
    const workdir = mkdtempSync(join(this.folder, 'job-'));
    const path = join(workdir, 'in0');
    linkSync(this.path, path);
    const before = cpuSecondsOfTree(process.pid);
    const params = { start_time: start, end_time: end };
    const { outputs, report } = await execute(this.executor, videoTrim, params, {
      path,
      workdir,
      probe: this.probe,
    });
    return {
      path: outputs[0]!.path,
      report: report ?? {},
      cpuSeconds: cpuSecondsOfTree(process.pid) - before,
      drop: () => rmSync(workdir, { recursive: true, force: true }),
    };
  }
}

const execute = (
  executor: VideoExecutor,
  operation: AnyVideoOperation,
  params: object,
  { path, workdir, probe }: { path: string; workdir: string; probe: VideoProbe | null },
) =>
  executor.execute({
    job_id: randomUUID(),
    operation,
    params: validateParams(operation, params),
    inputs: [{ path, container: 'mov', bytes: statSync(path).size, probe }],
    workdir,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
