import { AppError, type VideoProbe } from '@mediakiln/contracts';
import type { JoinedCheck } from '@mediakiln/operations';
import type { FfmpegEngine } from './ffmpeg/engine';
import type { ProbeTarget } from './ffmpeg/ffprobe';
import type { OutputPacket } from './ffmpeg/packets';
import { runChild } from './ffmpeg/spawn';
import { fileUrl, strictInput } from './ffmpeg/strict-flags';

/** ffprobe's own rounding of seconds. */
const ROUNDING_SECONDS = 2e-6;
/** Sound is cut between its packets. */
const SOUND_TOLERANCE_SECONDS = 0.06;
/** What is decoded behind a join: frames that look back across it would show by then. */
const BEHIND_JOIN_SECONDS = 0.4;
/** No encoder that we meet reorders further. */
const REORDER_PACKETS = 20;
const WALL_SECONDS = 120;
const THREADS = 2;

interface Joined {
  probe: VideoProbe;
  packets: readonly OutputPacket[];
  cause: Error;
}

/** @throws AppError output_not_verified */
export async function verifyJoined(
  engine: FfmpegEngine,
  target: ProbeTarget,
  verify: JoinedCheck,
  { probe, packets, cause }: Joined,
): Promise<void> {
  refuseMisjoined(verify, probe, packets, cause);
  await refuseUncleanJoins(engine, target, verify, packets);
}

/** Pure. @throws AppError output_not_verified: a frame is missing, misplaced or out of order, or the sound is. */
export function refuseMisjoined(
  verify: JoinedCheck,
  probe: VideoProbe,
  packets: readonly OutputPacket[],
  cause: Error,
): void {
  const refuse = (detail: string): never => {
    throw new AppError('output_not_verified', detail, { cause });
  };
  const late = packets.findIndex(({ dts }, index) => index > 0 && !(dts > packets[index - 1]!.dts));
  if (late >= 0) refuse(`Packet ${late} is to be decoded no later than the one before it`);
  const shown = packets.filter(({ isHidden }) => !isHidden).map(({ pts }) => pts);
  const first = Math.min(...shown.slice(0, REORDER_PACKETS));
  const tolerance = verify.tick_seconds + ROUNDING_SECONDS;
  shown.sort((a, b) => a - b);
  const misplaced = shown.findIndex(
    (pts, index) => !(Math.abs(pts - first - verify.frame_seconds[index]!) <= tolerance),
  );
  if (misplaced >= 0)
    refuse(
      `Frame ${misplaced} is shown at ${(shown[misplaced]! - first).toFixed(6)} s instead of ${verify.frame_seconds[misplaced]} s`,
    );
  const { video, audio } = probe;
  if (video?.rotation_degrees !== verify.rotation_degrees)
    refuse(
      `The picture is turned by ${video?.rotation_degrees} degrees instead of ${verify.rotation_degrees}`,
    );
  if (video?.sample_aspect_ratio !== verify.sample_aspect_ratio)
    refuse(`Pixels are ${video?.sample_aspect_ratio} instead of ${verify.sample_aspect_ratio}`);
  const wanted = verify.sound_end_seconds;
  if (wanted === null) return;
  const end = (audio?.start_seconds ?? 0) + (audio?.duration_seconds ?? 0) - first;
  if (!(Math.abs(end - wanted) <= SOUND_TOLERANCE_SECONDS))
    refuse(`The sound ends at ${end.toFixed(3)} s instead of ${wanted} s`);
}

/**
 * Decodes what lies around each join, from the keyframe before it to a moment behind it.
 * @throws AppError output_not_verified with the decoder's first complaint
 */
async function refuseUncleanJoins(
  engine: FfmpegEngine,
  target: ProbeTarget,
  verify: JoinedCheck,
  packets: readonly OutputPacket[],
): Promise<void> {
  const keys = packets.filter(({ isKey }) => isKey).map(({ pts }) => pts);
  const windows = verify.joins_seconds.map((join) => {
    const from = keys.findLast((pts) => pts < join - verify.tick_seconds) ?? 0;
    return { from, seconds: join - from + BEHIND_JOIN_SECONDS };
  });
  const complaints = await runChild(engine.sandbox, {
    binary: engine.binaries.ffmpeg.path,
    args: [
      ...['-nostdin', '-hide_banner', '-v', 'warning', '-nostats', '-progress', 'pipe:1'],
      ...windows.flatMap(({ from, seconds }) => [
        ...[...strictInput(target.container), '-threads', String(THREADS), '-noaccurate_seek'],
        // Smooths what nobody looks at, for a quarter of the time; what a decoder misses it misses before.
        ...['-skip_loop_filter', 'all'],
        ...[...(from > 0 ? ['-ss', from.toFixed(6)] : []), '-t', seconds.toFixed(6)],
        ...['-i', fileUrl(target.path)],
      ]),
      ...windows.flatMap((_window, index) => ['-map', `${index}:v:0`]),
      ...['-f', 'null', 'pipe:1'],
    ],
    workdir: target.workdir,
    signal: target.signal,
    wallSeconds: WALL_SECONDS,
    fileBytes: 0,
    onLine: () => undefined,
  });
  if (complaints.trim() === '') return;
  throw new AppError('output_not_verified', 'What lies around a join does not decode cleanly', {
    cause: new Error(complaints.trim()),
  });
}
