import { AppError, type VideoProbe } from '@mediakiln/contracts';
import type { PieceCheck } from '@mediakiln/operations';
import type { FfmpegEngine } from './ffmpeg/engine';
import { type ProbeTarget, ffprobe, fields } from './ffmpeg/ffprobe';
import { runChild } from './ffmpeg/spawn';
import { fileUrl, strictInput } from './ffmpeg/strict-flags';

/** So far from its place, in shares of a frame or packet, the clock of a file may put one. */
const OFF_GRID = 0.3;
/** A decoder that did not get over a change complains within so many frames after it. */
const FRAMES_AFTER = 8;
const WALL_SECONDS = 120;
const NO_FILE_BYTES = 0;

export interface PiecePackets {
  picture: { pts: number; isKey: boolean }[];
  sound: number[];
}

/**
 * Looks at where every packet of a video that was made of pieces is, and decodes it where a decoder is set up anew.
 * @throws AppError output_not_verified
 */
export async function verifyPieces(
  engine: FfmpegEngine,
  target: ProbeTarget,
  check: PieceCheck,
  { probe, packets, cause }: { probe: VideoProbe; packets: PiecePackets; cause: Error },
): Promise<void> {
  if (probe.video?.rotation_degrees !== check.rotation_degrees)
    throw new AppError('output_not_verified', 'Players would turn the picture by other degrees', { cause });
  const complaint = complaintAbout(packets, check);
  if (complaint !== null) throw new AppError('output_not_verified', complaint, { cause });
  const keys = packets.picture.filter(({ isKey }) => isKey).map(({ pts }) => pts);
  for (const change of check.changes)
    await decodeAcross(engine, target, keys, change * check.frame_seconds, check.frame_seconds);
}

/** What players show and play of a file. @throws AppError output_not_verified when it is not in order */
export async function piecePackets(engine: FfmpegEngine, target: ProbeTarget): Promise<PiecePackets> {
  const found: PiecePackets = { picture: [], sound: [] };
  const last = { video: Number.NEGATIVE_INFINITY, audio: Number.NEGATIVE_INFINITY };
  const question = ['-show_entries', 'packet=codec_type,pts_time,dts_time,flags', '-of', 'compact=p=0'];
  await ffprobe(engine, target, question, (line) => {
    const { codec_type: type, pts_time, dts_time, flags = '' } = fields(line);
    if (type !== 'video' && type !== 'audio') return;
    const dts = Number(dts_time);
    if (!(dts > last[type]))
      throw new AppError('output_not_verified', `A packet of ${type} is decoded at ${dts} s, out of turn`);
    last[type] = dts;
    if (flags.includes('D')) return;
    if (type === 'audio') found.sound.push(Number(pts_time));
    else found.picture.push({ pts: Number(pts_time), isKey: flags.includes('K') });
  });
  found.picture.sort((one, other) => one.pts - other.pts);
  return found;
}

/** Pure. What is wrong with the packets, if anything. */
export function complaintAbout({ picture, sound }: PiecePackets, check: PieceCheck): string | null {
  const { frame_seconds, starts } = check;
  const stray = strayOf(
    picture.map(({ pts }) => pts),
    frame_seconds,
  );
  if (stray !== null) return `Frame ${stray} is shown at ${picture[stray]!.pts} s instead of its turn`;
  const unkeyed = starts.find((start) => picture[start]?.isKey !== true);
  if (unkeyed !== undefined) return `Frame ${unkeyed} starts a piece without being a keyframe`;
  if (check.sound === null) return sound.length === 0 ? null : 'There is sound where none was made';
  const { packets, packet_seconds } = check.sound;
  if (sound.length !== packets) return `There are ${sound.length} packets of sound instead of ${packets}`;
  const late = strayOf(sound, packet_seconds);
  return late === null
    ? null
    : `Packet ${late} of the sound is played at ${sound[late]} s instead of its turn`;
}

/** The first that is not in its place. */
function strayOf(times: readonly number[], step: number): number | null {
  const index = times.findIndex((time, at) => !(Math.abs(time - at * step) <= OFF_GRID * step));
  return index < 0 ? null : index;
}

async function decodeAcross(
  engine: FfmpegEngine,
  target: ProbeTarget,
  keys: readonly number[],
  at: number,
  frameSeconds: number,
): Promise<void> {
  // From the middle of the last frame before: then the keyframe at the change itself is none to start with.
  const from = keys.findLast((key) => key < at - frameSeconds / 2) ?? 0;
  const complaints = await runChild(engine.sandbox, {
    binary: engine.binaries.ffmpeg.path,
    args: [
      ...['-nostdin', '-hide_banner', '-v', 'error', ...strictInput(target.container)],
      ...['-noaccurate_seek', '-ss', (from + frameSeconds / 4).toFixed(6), '-i', fileUrl(target.path)],
      ...['-map', '0:v:0', '-t', (at - from + FRAMES_AFTER * frameSeconds).toFixed(6), '-f', 'null', '-'],
    ],
    workdir: target.workdir,
    signal: target.signal,
    wallSeconds: WALL_SECONDS,
    fileBytes: NO_FILE_BYTES,
    onLine: () => undefined,
  });
  if (complaints.trim() !== '')
    throw new AppError('output_not_verified', `The video does not decode cleanly at ${at.toFixed(3)} s`, {
      cause: new Error(complaints.trim()),
    });
}
