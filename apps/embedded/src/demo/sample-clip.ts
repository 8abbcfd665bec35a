import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { samplePhoto } from './sample-photo';

export interface SampleClip {
  seconds?: number;
  width?: number;
  height?: number;
  framesPerSecond?: number;
}

const run = promisify(execFile);
const TIMEOUT_MS = 120_000;

/** How much wider than the clip the landscape is that the camera moves over. */
const ROOM = 1.5;

/**
 * A clip that compresses like one from a phone: a slow pan over a landscape with sensor grain, and a tone with a beep
 * every second, so that a cut can be heard as well as seen. H.264 and AAC in MP4, a key frame every two seconds.
 * The command line is understood by every ffmpeg since 4.1.
 */
export async function sampleClip(ffmpegPath: string, output: string, clip: SampleClip = {}): Promise<void> {
  const { seconds = 12, width = 1280, height = 720, framesPerSecond = 30 } = clip;
  const folder = await mkdtemp(join(tmpdir(), 'mediakiln-clip-'));
  try {
    const landscape = join(folder, 'landscape.jpg');
    await writeFile(
      landscape,
      await samplePhoto({ width: width * ROOM, height: height * ROOM, orientation: 1, seed: 2 }),
    );
    const pan = `crop=${width}:${height}:x='(iw-ow)*(0.5+0.5*sin(t/3))':y='(ih-oh)*(0.5+0.5*cos(t/4))'`;
    const picture = `loop=loop=-1:size=1,setpts=N/${framesPerSecond}/TB,${pan},noise=alls=6:allf=t,format=yuv420p`;
    const sound = `sine=frequency=330:beep_factor=4:sample_rate=48000`;
    await run(
      ffmpegPath,
      [
        ...['-nostdin', '-v', 'error', '-framerate', String(framesPerSecond), '-i', landscape],
        ...['-f', 'lavfi', '-i', sound, '-vf', picture, '-t', String(seconds)],
        ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '21', '-g', String(2 * framesPerSecond)],
        ...['-c:a', 'aac', '-b:a', '96k', '-ac', '2', '-movflags', '+faststart', '-y', output],
      ],
      { timeout: TIMEOUT_MS, cwd: folder },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
