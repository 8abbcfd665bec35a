import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { distributionFfmpeg } from './ffmpeg';

const run = promisify(execFile);

/** Frames as pictures; `side`: made so small first. */
export async function framesOf(path: string, side?: number): Promise<Buffer[]> {
  const { ffmpegPath, ffprobePath } = await distributionFfmpeg();
  const size = side
    ? `${side},${side}`
    : (
        await run(ffprobePath, [
          '-v',
          'error',
          '-show_entries',
          'stream=width,height',
          '-of',
          'csv=p=0',
          path,
        ])
      ).stdout;
  const [width, height] = size.trim().split(',').map(Number) as [number, number];
  const scale = `scale=${width}:${height}:in_color_matrix=bt709:in_range=tv:flags=bicubic+accurate_rnd+full_chroma_int`;
  const { stdout } = await run(
    ffmpegPath,
    ['-v', 'error', '-i', path, '-vf', scale, '-pix_fmt', 'rgb24', '-f', 'rawvideo', '-'],
    { encoding: 'buffer', maxBuffer: 256 << 20 },
  );
  const bytes = width * height * 3;
  return Promise.all(
    Array.from({ length: stdout.length / bytes }, (_, frame) =>
      sharp(stdout.subarray(frame * bytes, (frame + 1) * bytes), { raw: { width, height, channels: 3 } })
        .png({ compressionLevel: 1 })
        .toBuffer(),
    ),
  );
}

/** Every packet shows one frame, each as long as the others. */
export async function isEvenlySpaced(path: string): Promise<boolean> {
  const { ffprobePath } = await distributionFfmpeg();
  const question = ['-v', 'error', '-show_entries', 'packet=pts,dts', '-of', 'csv=p=0', path];
  const rows = (await run(ffprobePath, question)).stdout
    .trim()
    .split('\n')
    .map((row) => row.split(',').map(Number));
  const step = (rows[1]?.[0] ?? 0) - (rows[0]?.[0] ?? 0);
  return rows.every(([pts, dts], index) => pts === index * step && dts === pts);
}
