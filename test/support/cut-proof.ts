import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { frameNumbers } from './clips';
import { distributionFfmpeg } from './ffmpeg';

const run = promisify(execFile);

/** What a finished cut shows of itself, found without any of the code that made it. */
export interface CutProof {
  /** The numbers that its pictures carry. */
  numbers: number[];
  /** Packets that are decoded no later than the one before them. */
  disorders: number;
  /** When each frame is shown, in seconds of the file. */
  times: number[];
  /** Seconds between each frame and the next. */
  steps: number[];
  /** What a decoder says of the whole file. */
  warnings: string[];
  /** In seconds after the first frame. */
  pictureEnd: number;
  /** Null: there is no sound. */
  soundStart: number | null;
  soundEnd: number | null;
}

interface Packet {
  stream_index: number;
  pts_time: string;
  dts_time: string;
  duration_time?: string;
  flags: string;
}

export async function proveCut(path: string): Promise<CutProof> {
  const [numbers, warnings, { streams, packets }] = await Promise.all([
    frameNumbers(path),
    warningsOf(path),
    packetsOf(path),
  ]);
  const indexOf = (type: string): number => streams.find((one) => one.codec_type === type)?.index ?? -1;
  const of = (type: string): Packet[] => packets.filter((one) => one.stream_index === indexOf(type));
  const shown = (type: string): Packet[] => of(type).filter(({ flags }) => !flags.includes('D'));
  const picture = shown('video').map(({ pts_time }) => Number(pts_time));
  picture.sort((a, b) => a - b);
  const decoding = of('video').map(({ dts_time }) => Number(dts_time));
  const sound = shown('audio');
  const first = picture[0]!;
  const endOf = (one: Packet | undefined): number => Number(one?.pts_time) + Number(one?.duration_time);
  return {
    numbers,
    warnings,
    times: picture,
    disorders: decoding.filter((dts, index) => index > 0 && !(dts > decoding[index - 1]!)).length,
    steps: picture.slice(1).map((pts, index) => pts - picture[index]!),
    // ffprobe leaves out durations in a coarse time base.
    pictureEnd: 2 * picture.at(-1)! - picture.at(-2)! - first,
    // The first packet may be hidden in part: what is shown of it starts with the picture.
    soundStart: sound.length === 0 ? null : Math.max(0, Number(sound[0]!.pts_time) - first),
    soundEnd: sound.length === 0 ? null : endOf(sound.at(-1)) - first,
  };
}

async function warningsOf(path: string): Promise<string[]> {
  const { ffmpegPath } = await distributionFfmpeg();
  const args = ['-nostdin', '-v', 'warning', '-xerror', '-i', `file:${path}`, '-f', 'null', '-'];
  const { stderr } = await run(ffmpegPath, args);
  return stderr.split('\n').filter((line) => line !== '');
}

async function packetsOf(path: string) {
  const { ffprobePath } = await distributionFfmpeg();
  const question = ['-v', 'error', '-show_packets', '-show_streams', '-of', 'json', `file:${path}`];
  const { stdout } = await run(ffprobePath, question, { maxBuffer: 64 << 20 });
  return JSON.parse(stdout) as { streams: { index: number; codec_type: string }[]; packets: Packet[] };
}
