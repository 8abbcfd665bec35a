import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { turnClip } from './clip-rotation';
import { distributionFfmpeg } from './ffmpeg';

const run = promisify(execFile);

export interface ClipOptions {
  seconds?: number;
  fps?: number | string;
  width?: number;
  height?: number;
  container?: 'mp4' | 'mov' | 'mkv' | 'webm' | 'ts' | 'avi';
  codec?: 'libx264' | 'libx265' | 'libvpx' | 'libvpx-vp9' | 'mpeg4' | 'mjpeg' | 'libtheora' | 'libsvtav1';
  pixelFormat?: string;
  bFrames?: number;
  keyframeEvery?: number;
  /** Seconds of sound; 0: none. Default: as long as the picture. */
  audioSeconds?: number;
  /** Clockwise degrees that a player turns the picture by; it is stored turned the other way, so it shows upright. */
  rotation?: 90 | 180 | 270;
  /** Every frame after the first half lasts twice as long. */
  isVariable?: boolean;
  /** Pixels as wide as high; else they come out a little narrower, as in recordings of old. */
  isSquare?: boolean;
  /** Further output options of ffmpeg. */
  more?: string[];
}

/** Height of the strip at the top that holds each frame's number as black and white blocks, lowest bit first. */
const CODE_HEIGHT = 16;
const CODE_BITS = 16;

/** Kept for the whole test run, and between runs of one day: clips depend on their options alone. */
const FOLDER = join(tmpdir(), `mediakiln-clips-${process.getuid?.() ?? 0}`);

/** A clip whose every frame carries its number, so that a test can tell exactly which frames a cut holds. */
export async function makeClip(options: ClipOptions = {}): Promise<string> {
  const { container = 'mp4', rotation } = options;
  return cached(nameOf(options), container, async (path) => {
    await ffmpeg([...sources(options), ...encoding(options), ...(options.more ?? []), path]);
    if (rotation) await turnClip(path, rotation);
  });
}

/** A file made from others by ffmpeg; `name` must tell what is in it. */
export const deriveClip = (name: string, container: string, options: string[]): Promise<string> =>
  cached(name, container, (path) => ffmpeg([...options, path]));

/** Two seconds of H.264 whose second one starts with a keyframe that is no IDR picture, and that second by itself. */
export async function openClips(options: ClipOptions): Promise<{ whole: string; cut: string }> {
  const more = ['-x264-params', 'open-gop=1:scenecut=0:b-adapt=0'];
  const whole = await makeClip({ ...options, seconds: 2, audioSeconds: 0, keyframeEvery: 30, more });
  // Without the frame that is shown before the keyframe and decoded behind it, so that what is left can be shown.
  const filters = 'noise=drop=eq(n\\,1),setts=pts=PTS:dts=if(N\\,DTS\\,DTS+512)';
  const cut = await deriveClip(`${nameIn(whole)}-starts-open`, 'mp4', [
    ...['-ss', '1', '-i', whole, '-c', 'copy', '-use_editlist', '0', '-bsf:v', filters],
  ]);
  return { whole, cut };
}

/** The first `share` of a file, as a broken-off upload leaves it. */
export const truncateClip = (source: string, share: number): Promise<string> =>
  cached(`${nameIn(source)}-cut${share}`, source.split('.').at(-1)!, async (path) => {
    const bytes = await readFile(source);
    await writeFile(path, bytes.subarray(0, Math.floor(bytes.length * share)));
  });

/** A small text file among the clips. @param name with its extension */
export const storeText = (name: string, text: string): Promise<string> => {
  const [stem, extension] = name.split('.');
  return cached(`${stem}-${text.length}`, extension!, (path) => writeFile(path, text));
};

/**
 * The numbers of a file's frames as a player would show them, read off the pictures.
 * @param picture where in the frame the clip is, as width, height, left and top of ffmpeg's crop; default: it fills it.
 */
export async function frameNumbers(path: string, picture = 'iw:ih:0:0'): Promise<number[]> {
  const { ffmpegPath } = await distributionFfmpeg();
  const filters = `crop=${picture},crop=trunc(iw/${CODE_BITS})*${CODE_BITS}:${CODE_HEIGHT}:0:0,scale=${CODE_BITS}:1:flags=area,format=gray`;
  const args = ['-v', 'error', '-i', `file:${path}`, '-map', '0:v:0', '-vf', filters, '-f', 'rawvideo'];
  const { stdout } = await run(ffmpegPath, [...args, '-vsync', 'passthrough', '-'], {
    encoding: 'buffer',
    maxBuffer: 64 << 20,
  });
  return Array.from({ length: stdout.length / CODE_BITS }, (_, frame) =>
    Array.from({ length: CODE_BITS }, (_bit, bit) =>
      stdout[frame * CODE_BITS + bit]! > 127 ? 2 ** bit : 0,
    ).reduce((sum, value) => sum + value),
  );
}

function sources(options: ClipOptions): string[] {
  const { seconds = 4, fps = 30, width = 320, height = 180, rotation, isVariable } = options;
  const audioSeconds = options.audioSeconds ?? seconds;
  const code = `geq=lum='16+219*mod(floor(N/pow(2,floor(X)))\\,2)':cb=128:cr=128`;
  // Turned against the player's turn, so that the strip is at the top again when shown.
  const turns = rotation
    ? { 90: ',transpose=cclock', 180: ',hflip,vflip', 270: ',transpose=clock' }[rotation]
    : '';
  const timing = isVariable ? ",setpts='if(lt(N,T0),PTS,PTS+(N-T0)*D0)'" : '';
  const rate = Number(fps);
  const timed = timing
    .replaceAll('T0', String(Math.floor((seconds * rate) / 2)))
    .replaceAll('D0', `1/${rate}/TB`);
  const graph =
    `color=black:s=${CODE_BITS}x1:r=${fps}:d=${seconds},format=yuv444p,${code},` +
    `scale=${width}:${CODE_HEIGHT}:flags=neighbor,format=yuv444p[code];` +
    `testsrc2=s=${width}x${height - CODE_HEIGHT}:r=${fps}:d=${seconds},format=yuv444p[picture];` +
    `[code][picture]vstack${timed}${turns}${options.isSquare ? ',setsar=1' : ''}[video]`;
  const sound = audioSeconds > 0 ? ['-f', 'lavfi', '-i', `sine=f=440:r=48000:d=${audioSeconds}`] : [];
  return [
    ...sound,
    '-filter_complex',
    graph,
    '-map',
    '[video]',
    ...(audioSeconds > 0 ? ['-map', '0:a'] : []),
  ];
}

function encoding(options: ClipOptions): string[] {
  const { container = 'mp4', codec = container === 'webm' ? 'libvpx-vp9' : 'libx264', isVariable } = options;
  const audio = container === 'webm' ? 'libopus' : 'aac';
  const speed: Partial<Record<typeof codec, string[]>> = {
    libx264: ['-preset', 'veryfast', '-bf', String(options.bFrames ?? 3)],
    libx265: ['-preset', 'ultrafast', '-x265-params', 'log-level=error', '-tag:v', 'hvc1'],
    libvpx: ['-deadline', 'realtime', '-cpu-used', '8', '-b:v', '2M'],
    'libvpx-vp9': ['-deadline', 'realtime', '-cpu-used', '8', '-b:v', '2M'],
    mpeg4: ['-q:v', '3'],
    mjpeg: ['-q:v', '3'],
    libsvtav1: ['-preset', '12', '-crf', '30'],
  };
  return [
    ...['-c:v', codec, ...(speed[codec] ?? []), '-g', String(options.keyframeEvery ?? 60)],
    ...['-pix_fmt', options.pixelFormat ?? (codec === 'mjpeg' ? 'yuvj420p' : 'yuv420p')],
    ...(isVariable ? ['-vsync', 'passthrough', '-enc_time_base', '1/90000'] : []),
    ...['-c:a', audio, '-strict', '-2'],
  ];
}

async function ffmpeg(args: string[]): Promise<void> {
  const { ffmpegPath } = await distributionFfmpeg();
  await run(ffmpegPath, ['-nostdin', '-v', 'error', '-y', ...args], { maxBuffer: 16 << 20 });
}

/** Made under another name and renamed: Jest's workers make clips at the same time. */
async function cached(
  name: string,
  container: string,
  make: (path: string) => Promise<void>,
): Promise<string> {
  const path = join(FOLDER, `${name}.${container}`);
  if (existsSync(path)) return path;
  await mkdir(FOLDER, { recursive: true });
  const part = join(FOLDER, `${process.pid}-${Math.random().toString(36).slice(2)}.${container}`);
  await make(part);
  await rename(part, path);
  return path;
}

const nameOf = (options: ClipOptions): string =>
  `clip-${JSON.stringify(options).replace(/[^\w.-]+/g, '_')}`.slice(0, 200);

const nameIn = (path: string): string =>
  path
    .split('/')
    .at(-1)!
    .replace(/\.\w+$/, '');
