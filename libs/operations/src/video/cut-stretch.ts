import type { VideoProbe, VideoStreamProbe } from '@mediakiln/contracts';
import type { FrameSpan, PacketSurvey, PicturePacket } from '../video-plan';

/** The packets in the middle of a cut that are copied as they are; what is left at its ends is encoded anew. */
export interface CopiedStretch {
  /** Frames of the cut before, in and after it; both edges 0: the whole cut is copied. */
  head_frames: number;
  frames: number;
  tail_frames: number;
  /** pts of its first frame, and of the first frame behind it in the cut (or where the cut ends). */
  first_tick: number;
  end_tick: number;
  /** pts of the frame before it and of the last frame of the cut, where these are encoded. */
  head_last_tick: number;
  /** It can be taken out of the source's bytes. */
  is_indexed: boolean;
  /** pts of all frames of the cut, in order. */
  ticks: readonly number[];
}

export type StretchChoice = { stretch: CopiedStretch } | { reason: string };

/** Our encoder's name for the profiles whose edges it can make alike. */
export const PROFILES: Record<string, string> = {
  'Constrained Baseline': 'baseline',
  Baseline: 'baseline',
  Main: 'main',
  High: 'high',
};
const PIXEL_FORMATS = ['yuv420p', 'yuvj420p'];
const CONTAINERS = ['mov', 'matroska'];
/** With more than this to encode, copying the rest saves nothing worth a join. */
const MAX_SHARE_REENCODED = 0.9;

/** Why nothing of a stream can be copied into a cut, whatever the cut is; null: something may be. */
export function uncopyable({ container }: VideoProbe, video: VideoStreamProbe): string | null {
  if (video.codec !== 'h264') return `Only H.264 can be copied in part, and the picture is ${video.codec}`;
  if (!CONTAINERS.includes(container)) return `Packets are not copied out of ${container}`;
  if (!PIXEL_FORMATS.includes(video.pixel_format))
    return `The pixel format ${video.pixel_format} is none that every player takes`;
  if (!(video.profile !== null && video.profile in PROFILES))
    return `The H.264 profile ${video.profile ?? '(unknown)'} cannot be matched`;
  if (video.coded_width % 2 !== 0 || video.coded_height % 2 !== 0)
    return `A side of ${video.coded_width}x${video.coded_height} is odd`;
  if (!/^1\/\d+$/.test(video.time_base)) return `The time base ${video.time_base} is no unit fraction`;
  return null;
}

/** Pure: what of a cut can be copied so that no frame is lost, doubled or undecodable at the joins. */
export function chooseStretch(probe: VideoProbe, video: VideoStreamProbe, span: FrameSpan): StretchChoice {
  const general = uncopyable(probe, video);
  if (general !== null) return { reason: general };
  const survey = span.packets;
  if (!survey) return { reason: 'The packets of the cut could not be told apart' };
  if (survey.field_order !== 'progressive') return { reason: 'The picture is interlaced, or may be' };
  const { first_tick: first, last_tick: last } = span;
  const ticks = survey.packets
    .filter(({ tick, is_hidden }) => !is_hidden && tick >= first && tick <= last)
    .map(({ tick }) => tick)
    .sort((a, b) => a - b);
  if (ticks.some((tick, index) => index > 0 && tick === ticks[index - 1]))
    return { reason: 'Two frames are shown at one time' };
  const bounds = boundsOf(survey, first, last);
  if ('reason' in bounds) return bounds;
  return stretchBetween(survey, ticks, bounds, last);
}

interface Bounds {
  /** Index of the first copied packet, and of the first one behind. */
  from: number;
  to: number;
  isWholeTail: boolean;
}

function boundsOf(
  { packets, idr_ticks }: PacketSurvey,
  first: number,
  last: number,
): Bounds | { reason: string } {
  const idrs = new Set(idr_ticks);
  const isJoin = ({ tick, is_hidden }: PicturePacket): boolean => !is_hidden && idrs.has(tick);
  const from = packets.findIndex((packet) => isJoin(packet) && packet.tick >= first && packet.tick <= last);
  if (from < 0)
    return { reason: 'No frame inside the cut can be decoded without the ones before it (no IDR)' };
  const next = nextShown(packets, last);
  if (next === null) return { from, to: packets.length, isWholeTail: true };
  const behind = packets.findIndex((packet) => isJoin(packet) && packet.tick === next);
  if (behind >= 0) return { from, to: behind, isWholeTail: true };
  const to = packets.findLastIndex((packet) => isJoin(packet) && packet.tick <= last);
  if (to <= from) return { reason: 'There is no whole group of pictures inside the cut' };
  return { from, to, isWholeTail: false };
}

function nextShown(packets: readonly PicturePacket[], last: number): number | null {
  let next: number | null = null;
  for (const { tick, is_hidden } of packets)
    if (!is_hidden && tick > last && (next === null || tick < next)) next = tick;
  return next;
}

function stretchBetween(
  { packets, is_indexed }: PacketSurvey,
  ticks: readonly number[],
  { from, to, isWholeTail }: Bounds,
  last: number,
): StretchChoice {
  const inside = packets.slice(from, to);
  const firstTick = inside[0]!.tick;
  const behind = packets[to];
  const endTick = behind?.tick ?? Number.POSITIVE_INFINITY;
  const isMixed =
    packets.slice(0, from).some(({ tick }) => tick >= firstTick) ||
    inside.some(({ tick, is_hidden }) => is_hidden || tick < firstTick || tick >= endTick) ||
    packets.slice(to).some(({ tick }) => tick < endTick);
  if (isMixed)
    return { reason: 'Frames around a join are shown in another order than the join divides them' };
  const isBackwards = inside.some(
    ({ dts_tick }, index) =>
      index > 0 && dts_tick !== null && dts_tick <= (inside[index - 1]!.dts_tick ?? -Infinity),
  );
  if (isBackwards) return { reason: 'Decoding times do not grow' };
  const headFrames = ticks.filter((tick) => tick < firstTick).length;
  const tailFrames = isWholeTail ? 0 : ticks.filter((tick) => tick >= endTick).length;
  if (headFrames + inside.length + tailFrames !== ticks.length)
    return { reason: 'The packets of the cut are not its frames' };
  const share = (headFrames + tailFrames) / ticks.length;
  if (share > MAX_SHARE_REENCODED)
    return { reason: `${Math.round(share * 100)} % of the frames lie outside whole groups of pictures` };
  return {
    stretch: {
      head_frames: headFrames,
      frames: inside.length,
      tail_frames: tailFrames,
      first_tick: firstTick,
      end_tick: isWholeTail ? last + 1 : endTick,
      head_last_tick: ticks[headFrames - 1] ?? firstTick,
      is_indexed,
      ticks,
    },
  };
}
