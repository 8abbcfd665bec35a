import type { AppConfig } from '@mediakiln/config';
import { FfmpegEngine } from '../../video-processor/src/video-processor.module';
import { StartupError } from './startup-error';

export interface FfmpegInUse {
  path: string;
  version: string;
  origin: 'configured' | 'system' | 'npm';
  /** ffmpeg or ffprobe is the old build that npm ships. */
  isFallback: boolean;
}

/** Asked before anything is started, so that a machine without ffmpeg hears of it at once. */
export async function findFfmpeg(asked: AppConfig): Promise<FfmpegInUse> {
  try {
    const engine = await FfmpegEngine.start(asked);
    const { path, origin } = engine.binaries.ffmpeg;
    return { path, origin, version: engine.capabilities.version, isFallback: engine.isFallback };
  } catch (error) {
    throw new StartupError(
      'there is no usable ffmpeg',
      'FFMPEG_PATH, FFPROBE_PATH, PATH, npm packages',
      error instanceof Error ? error.message : String(error),
      error,
    );
  }
}
