import {
  type FfmpegBinaries,
  locateBinaries,
  shippedByNpm,
} from '../../apps/video-processor/src/ffmpeg/binaries';
import { canInstallWithApt, installWithApt } from './apt';

export interface FfmpegPair {
  name: string;
  ffmpegPath: string;
  ffprobePath: string;
}

/**
 * The distribution's pair, installed when we may and it is absent.
 * @throws Error of one sentence: video tests never pass by being left out.
 */
export async function distributionFfmpeg(): Promise<FfmpegPair> {
  if (!onPath() && canInstallWithApt()) await installWithApt('ffmpeg');
  const pair = onPath();
  if (!pair)
    throw new Error('The video tests need ffmpeg and ffprobe on PATH: install your distribution’s package');
  return { name: 'distribution', ffmpegPath: pair.ffmpeg.path, ffprobePath: pair.ffprobe.path };
}

/** The pair of 2018 that npm ships. */
export function npmFfmpeg(): FfmpegPair {
  const ffmpegPath = shippedByNpm('ffmpeg');
  const ffprobePath = shippedByNpm('ffprobe');
  if (ffmpegPath === null || ffprobePath === null)
    throw new Error('The video tests need npm’s optional ffmpeg and ffprobe packages: run npm ci');
  return { name: 'npm-shipped', ffmpegPath, ffprobePath };
}

/** For `describe.each`, which wants its table before anything asynchronous can run. */
export const FFMPEG_PAIRS: readonly [string, () => Promise<FfmpegPair>][] = [
  ['the distribution’s ffmpeg', distributionFfmpeg],
  ['the npm-shipped ffmpeg', async () => npmFfmpeg()],
];

function onPath(): FfmpegBinaries | null {
  try {
    const found = locateBinaries({ nodeEnv: 'test' });
    return found.ffmpeg.origin === 'system' && found.ffprobe.origin === 'system' ? found : null;
  } catch {
    // Neither on PATH nor from npm: the caller says so in its own words.
    return null;
  }
}
