import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { distributionFfmpeg } from './ffmpeg';

const run = promisify(execFile);

const SAMPLES_PER_SECOND = 48_000;
/** Shorter pauses are none. */
const MIN_SILENCE_SECONDS = 0.1;

/** When sound becomes silence and silence becomes sound, by the file's clock; its own start and end are none. */
export async function soundEdges(path: string): Promise<number[]> {
  const { ffmpegPath } = await distributionFfmpeg();
  const filter = `silencedetect=noise=-45dB:d=${MIN_SILENCE_SECONDS}`;
  const args = ['-nostdin', '-v', 'info', '-nostats', '-i', path, '-map', '0:a:0', '-af', filter];
  const { stderr } = await run(ffmpegPath, [...args, '-f', 'null', '-'], { maxBuffer: 16 << 20 });
  const edges = [...stderr.matchAll(/silence_(?:start|end): (-?[\d.]+)/g)].map((match) => Number(match[1]));
  return edges.filter((time) => time > MIN_SILENCE_SECONDS);
}

/** How long the sound lasts for a player that plays one sample after the other and looks at no clock. */
export async function decodedSeconds(path: string): Promise<number> {
  const { ffmpegPath } = await distributionFfmpeg();
  const args = ['-nostdin', '-v', 'error', '-i', path, '-map', '0:a:0', '-ac', '1'];
  const { stdout } = await run(
    ffmpegPath,
    [...args, '-ar', String(SAMPLES_PER_SECOND), '-f', 's16le', '-c:a', 'pcm_s16le', '-'],
    { encoding: 'buffer', maxBuffer: 256 << 20 },
  );
  return stdout.length / 2 / SAMPLES_PER_SECOND;
}
