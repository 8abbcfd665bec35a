import { availableParallelism } from 'node:os';
import type { AppConfig } from '@mediakiln/config';
import { type FfmpegBinaries, isFallback, locateBinaries } from './binaries';
import { type Capabilities, readCapabilities, readVersion } from './capabilities';
import { Sandbox } from './sandbox';

const MAX_THREADS = 8;
/** Each thread holds frames of its own, and address space is limited: eight for 4K, two for the largest picture. */
const PIXELS_IN_WORK = 72_000_000;

/** The ffmpeg of this process: which binaries, what they can do, and what they are locked into. */
export class FfmpegEngine {
  private constructor(
    readonly binaries: FfmpegBinaries,
    readonly capabilities: Capabilities,
    readonly ffprobeVersion: string,
    readonly sandbox: Sandbox,
  ) {}

  /** @throws Error of one line: what, where, cure. */
  static async start(
    settings: Pick<AppConfig, 'ffmpegPath' | 'ffprobePath' | 'nodeEnv'>,
  ): Promise<FfmpegEngine> {
    const binaries = locateBinaries(settings);
    const [capabilities, ffprobeVersion, sandbox] = await Promise.all([
      readCapabilities(binaries.ffmpeg.path),
      readVersion(binaries.ffprobe.path),
      Sandbox.detect(),
    ]);
    return new FfmpegEngine(binaries, capabilities, ffprobeVersion, sandbox);
  }

  /** Threads of a decoder or encoder of pictures of this size. */
  threadsFor(pixels: number): number {
    const affordable = Math.max(1, Math.floor(PIXELS_IN_WORK / Math.max(pixels, 1)));
    return Math.min(availableParallelism(), MAX_THREADS, affordable);
  }

  get isFallback(): boolean {
    return isFallback(this.binaries);
  }

  get versions(): Record<string, string> {
    return { ffmpeg: this.capabilities.version, ffprobe: this.ffprobeVersion };
  }
}
