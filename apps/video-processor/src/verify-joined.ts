import { AppError, type VideoProbe } from '@mediakiln/contracts';
import type { JoinedCheck } from '@mediakiln/operations';
import type { OutputPacket } from './ffmpeg/packets';

/** ffprobe's own rounding of seconds. */
const ROUNDING_SECONDS = 2e-6;
/** Sound is cut between its packets. */
const SOUND_TOLERANCE_SECONDS = 0.06;
/** No encoder that we meet reorders further. */
const REORDER_PACKETS = 20;

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
