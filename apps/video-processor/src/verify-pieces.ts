import { AppError, type VideoProbe } from '@mediakiln/contracts';
import type { PieceCheck } from '@mediakiln/operations';
import type { OutputPacket, OutputPackets } from './ffmpeg/packets';

/** So far from its place, in shares of a frame or packet, the clock of a file may put one. */
const OFF_GRID = 0.3;
/** @throws AppError output_not_verified: a packet of a video that was made of pieces is not where it belongs */
export function refuseMisplaced(
  check: PieceCheck,
  probe: VideoProbe,
  packets: OutputPackets,
  cause: Error,
): void {
  if (probe.video?.rotation_degrees !== check.rotation_degrees)
    throw new AppError('output_not_verified', 'Players would turn the picture by other degrees', { cause });
  const complaint = complaintAbout(packets, check);
  if (complaint !== null) throw new AppError('output_not_verified', complaint, { cause });
}

/** Pure. What is wrong with the packets, if anything. */
export function complaintAbout({ picture, sound }: OutputPackets, check: PieceCheck): string | null {
  const disorder = disorderIn(picture, 'picture') ?? disorderIn(sound, 'sound');
  if (disorder !== null) return disorder;
  const { frame_seconds, starts } = check;
  const frames = shownOf(picture);
  const stray = strayOf(frames, frame_seconds);
  if (stray !== null) return `Frame ${stray} is shown at ${frames[stray]!.pts} s instead of its turn`;
  const unkeyed = starts.find((start) => frames[start]?.isKey !== true);
  if (unkeyed !== undefined) return `Frame ${unkeyed} starts a piece without being a keyframe`;
  const heard = shownOf(sound);
  if (check.sound === null) return heard.length === 0 ? null : 'There is sound where none was made';
  const { packets, packet_seconds } = check.sound;
  if (heard.length !== packets) return `There are ${heard.length} packets of sound instead of ${packets}`;
  const late = strayOf(heard, packet_seconds);
  return late === null
    ? null
    : `Packet ${late} of the sound is played at ${heard[late]!.pts} s instead of its turn`;
}

function disorderIn(packets: readonly OutputPacket[], what: string): string | null {
  const late = packets.findIndex(({ dts }, at) => at > 0 && !(dts > packets[at - 1]!.dts));
  return late < 0 ? null : `Packet ${late} of the ${what} is decoded at ${packets[late]!.dts} s, out of turn`;
}

const shownOf = (packets: readonly OutputPacket[]): OutputPacket[] =>
  packets.filter(({ isHidden }) => !isHidden).sort((one, other) => one.pts - other.pts);

/** The first that is not in its place. */
function strayOf(packets: readonly OutputPacket[], step: number): number | null {
  const index = packets.findIndex(({ pts }, at) => !(Math.abs(pts - at * step) <= OFF_GRID * step));
  return index < 0 ? null : index;
}
