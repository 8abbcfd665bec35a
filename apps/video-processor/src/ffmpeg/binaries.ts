import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import type { AppConfig } from '@mediakiln/config';

/** `configured`: FFMPEG_PATH or FFPROBE_PATH. `system`: found on PATH. `npm`: the fallback of 2018 that npm ships. */
export type BinaryOrigin = 'configured' | 'system' | 'npm';

export interface Binary {
  path: string;
  origin: BinaryOrigin;
}

export interface FfmpegBinaries {
  ffmpeg: Binary;
  ffprobe: Binary;
}

type Settings = Pick<AppConfig, 'ffmpegPath' | 'ffprobePath' | 'nodeEnv'>;

const CURE = 'install your distribution’s ffmpeg package, or set FFMPEG_PATH and FFPROBE_PATH';

/**
 * Chooses ffmpeg and ffprobe: the configured paths, else PATH, else the npm-shipped ones.
 * @throws Error of one line when there is none, or when only the npm-shipped one is left in production.
 */
export function locateBinaries(settings: Settings, searchPath = process.env.PATH ?? ''): FfmpegBinaries {
  return {
    ffmpeg: locate('ffmpeg', settings.ffmpegPath, settings, searchPath),
    ffprobe: locate('ffprobe', settings.ffprobePath, settings, searchPath),
  };
}

/** The npm-shipped pair has known holes: fit for a first try, not for strangers' uploads. */
export const isFallback = (binaries: FfmpegBinaries): boolean =>
  binaries.ffmpeg.origin === 'npm' || binaries.ffprobe.origin === 'npm';

function locate(
  name: 'ffmpeg' | 'ffprobe',
  configured: string | undefined,
  settings: Settings,
  searchPath: string,
): Binary {
  if (configured !== undefined) {
    if (isExecutable(configured)) return { path: configured, origin: 'configured' };
    throw new Error(
      `${name.toUpperCase()}_PATH names ${configured}, which is no executable file: correct or unset it`,
    );
  }
  const found = searchPath
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, name))
    .find(isExecutable);
  if (found !== undefined) return { path: found, origin: 'system' };
  const shipped = shippedByNpm(name);
  if (shipped === null) throw new Error(`No ${name} was found on PATH nor among npm’s packages: ${CURE}`);
  if (settings.nodeEnv === 'production')
    throw new Error(`Only the npm-shipped ${name} was found, which NODE_ENV=production refuses: ${CURE}`);
  return { path: shipped, origin: 'npm' };
}

/** Null when the optional package is not installed or knows no binary for this platform; it throws for both. */
export function shippedByNpm(name: 'ffmpeg' | 'ffprobe'): string | null {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- optional, and throws on some platforms
    const { path } = require(`@${name}-installer/${name}`) as { path: string };
    return isExecutable(path) ? path : null;
  } catch {
    return null;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
