import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ImageProbe, type Probe, SNIFF_BYTES, type VideoProbe, sniff } from '@mediakiln/contracts';
import sharp from 'sharp';
import type { JobProgress } from '@mediakiln/entities';
import type { ExecutionResult } from '@mediakiln/jobs';
import {
  type AnyVideoOperation,
  imageProbe,
  validateParams,
  videoFromImage,
  videoMerge,
  videoPoster,
  videoProbe,
  videoTrim,
} from '@mediakiln/operations';
import { FfmpegEngine } from '../../apps/video-processor/src/ffmpeg/engine';
import { VideoExecutor, type VideoLimits } from '../../apps/video-processor/src/video.executor';
import type { FfmpegPair } from './ffmpeg';

const DEMUXERS: Record<string, string> = {
  mp4: 'mov',
  mov: 'mov',
  mkv: 'matroska',
  webm: 'matroska',
  ts: 'mpegts',
  ogv: 'ogg',
};

export interface RunOptions {
  container?: string;
  signal?: AbortSignal;
  onProgress?: (progress: JobProgress) => void;
}

/** A video executor on one pair of binaries, with work folders that are looked after. */
export class VideoBench {
  private readonly folders: string[] = [];

  private constructor(
    readonly engine: FfmpegEngine,
    readonly executor: VideoExecutor,
  ) {}

  static async open(pair: FfmpegPair, limits: Partial<VideoLimits> = {}): Promise<VideoBench> {
    const engine = await FfmpegEngine.start({ ...pair, nodeEnv: 'test' });
    const executor = new VideoExecutor(engine, {
      maxVideoSeconds: 3600,
      maxOutputBytes: 1 << 30,
      silenceSeconds: 60,
      ...limits,
    });
    return new VideoBench(engine, executor);
  }

  async probe(path: string, options: RunOptions = {}): Promise<VideoProbe> {
    const { facts } = await this.run(videoProbe, {}, path, null, options);
    return facts as VideoProbe;
  }

  /** Probes and trims, as the platform does. */
  async trim(path: string, params: object, options: RunOptions = {}): Promise<ExecutionResult> {
    return this.run(videoTrim, params, path, await this.probe(path, options), options);
  }

  /** Probes and takes a picture, as the platform does. */
  async poster(path: string, params: object = {}, options: RunOptions = {}): Promise<ExecutionResult> {
    return this.run(videoPoster, params, path, await this.probe(path, options), options);
  }

  /** Probes each and puts them one behind the other, as the platform does. */
  async merge(
    paths: readonly string[],
    params: object = {},
    options: RunOptions = {},
  ): Promise<ExecutionResult> {
    const probes = new Map<string, VideoProbe>();
    for (const path of new Set(paths))
      probes.set(path, await this.probe(path, { container: options.container }));
    const inputs = paths.map((path) => ({ path, probe: probes.get(path)! }));
    return this.runAll(videoMerge, params, inputs, options);
  }

  /** Probes a picture and makes a video of it, as the platform does. */
  async fromImage(image: Buffer, params: object = {}, options: RunOptions = {}): Promise<ExecutionResult> {
    const { container } = sniff(image.subarray(0, SNIFF_BYTES));
    const path = join(await this.workdir(), 'in0');
    await writeFile(path, image);
    const probe: ImageProbe = imageProbe.facts(await sharp(image).metadata(), container);
    return this.run(videoFromImage, params, path, probe, { container, ...options });
  }

  async run(
    operation: AnyVideoOperation,
    params: object,
    path: string,
    probe: Probe | null,
    options: RunOptions = {},
  ): Promise<ExecutionResult> {
    return this.runAll(operation, params, [{ path, probe }], options);
  }

  async runAll(
    operation: AnyVideoOperation,
    params: object,
    inputs: readonly { path: string; probe: Probe | null }[],
    options: RunOptions = {},
  ): Promise<ExecutionResult> {
    const valid = validateParams(operation, params);
    const probes = inputs.flatMap(({ probe }) => probe ?? []);
    if (operation.role === 'transform' && probes.length > 0) operation.check(probes, valid);
    return this.executor.execute({
      job_id: randomUUID(),
      operation,
      params: valid,
      inputs: inputs.map(({ path, probe }) => {
        return { path, container: options.container ?? demuxerOf(path), bytes: 0, probe };
      }),
      workdir: await this.workdir(),
      signal: options.signal ?? new AbortController().signal,
      onProgress: options.onProgress ?? (() => undefined),
    });
  }

  /** The folder of the last run. */
  get lastWorkdir(): string {
    return this.folders.at(-1) ?? '';
  }

  filesOfLastRun(): Promise<string[]> {
    return readdir(this.lastWorkdir);
  }

  async close(): Promise<void> {
    await Promise.all(this.folders.map((folder) => rm(folder, { recursive: true, force: true })));
  }

  private async workdir(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'mediakiln-video-'));
    this.folders.push(folder);
    return folder;
  }
}

const demuxerOf = (path: string): string => {
  const extension = path.split('.').at(-1) ?? '';
  return DEMUXERS[extension] ?? extension;
};
