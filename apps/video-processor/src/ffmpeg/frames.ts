import type { VideoProbe, VideoStreamProbe } from '@mediakiln/contracts';
import { type FrameSpan, type PicturePacket, type TickRange, tickSeconds } from '@mediakiln/operations';
import type { FfmpegEngine } from './engine';
import { type ProbeTarget, ffprobe, fields } from './ffprobe';

/** Where a packet is a shown frame with a time of its own; elsewhere only decoding tells which frames come out. */
const PACKETS_ARE_FRAMES = {
  containers: ['mov', 'matroska'],
  codecs: ['h264', 'hevc', 'vp9', 'av1', 'mjpeg'],
};
/** How far reordering may put a frame from its packet, besides a second for inexact seeking. */
const REORDER_FRAMES = 20;
const SPARE_SECONDS = 1;
/** A frame this near to the grid of the frame rate is on it; containers with millisecond times round. */
const GRID_TOLERANCE = 0.25;

/** Finds the frames of a stretch by ffprobe: their number, their exact pts, and where decoding has to start. */
export async function findFrames(
  engine: FfmpegEngine,
  target: ProbeTarget,
  probe: VideoProbe,
  video: VideoStreamProbe,
  range: TickRange,
): Promise<FrameSpan> {
  const mode = readsPackets(video, target.container) ? 'packets' : 'frames';
  const tick = tickSeconds(video);
  const spareSeconds = SPARE_SECONDS + REORDER_FRAMES / (probe.frames_per_second ?? 1);
  const endSeconds = range.to_tick * tick + spareSeconds;
  const startSeconds = Math.floor(range.from_tick * tick - spareSeconds);
  const wantsPackets = mode === 'packets' && (range.wants_packets ?? false);
  const readAsked = async (from: number | null): Promise<FrameSpan> => {
    const interval = `${from ?? ''}%${endSeconds.toFixed(3)}`;
    const found = await readFrames(engine, target, video, { mode, interval });
    const span = spanOf(found, range, video);
    return wantsPackets ? { ...span, packets: { ...found, idr_ticks: [], is_indexed: false } } : span;
  };
  if (startSeconds > 0) {
    const span = await readAsked(startSeconds);
    // A seek may land late: then the stretch is not covered, and only reading from the start is sure.
    if (span.keyframe_tick !== null) return span;
  }
  return readAsked(null);
}

const readsPackets = (video: VideoStreamProbe, container: string): boolean =>
  PACKETS_ARE_FRAMES.containers.includes(container) && PACKETS_ARE_FRAMES.codecs.includes(video.codec);

interface Found {
  /** pts of shown frames, in any order. */
  shown: number[];
  keys: number[];
  /** pts -> duration of the latest frame. */
  latest: { tick: number; duration: number };
  /** As they come in the file; empty where frames had to be decoded. */
  packets: PicturePacket[];
  field_order: string | null;
}

async function readFrames(
  engine: FfmpegEngine,
  target: ProbeTarget,
  video: VideoStreamProbe,
  { mode, interval }: { mode: 'packets' | 'frames'; interval: string },
): Promise<Found> {
  const found: Found = {
    shown: [],
    keys: [],
    latest: { tick: Number.NEGATIVE_INFINITY, duration: 0 },
    packets: [],
    field_order: null,
  };
  const entries =
    mode === 'packets'
      ? 'packet=stream_index,pts,dts,duration,flags:stream=index,field_order'
      : 'frame=stream_index,key_frame,best_effort_timestamp,pkt_duration,duration';
  const question = [
    ...['-select_streams', String(video.index)],
    ...['-read_intervals', interval, '-show_entries', entries, '-of', 'compact=p=0'],
  ];
  await ffprobe(engine, target, question, (line) => {
    const one = fields(line);
    if (one.index === String(video.index)) found.field_order = one.field_order ?? null;
    const tick = Number(one.pts ?? one.best_effort_timestamp ?? Number.NaN);
    if (!Number.isFinite(tick)) return;
    if (one.key_frame === '1' || one.flags?.includes('K')) found.keys.push(tick);
    // An edit list hides frames that are only there to be decoded.
    const isHidden = one.flags?.includes('D') ?? false;
    if (mode === 'packets')
      found.packets.push({
        tick,
        dts_tick: one.dts === undefined ? null : Number(one.dts),
        is_hidden: isHidden,
      });
    if (isHidden) return;
    found.shown.push(tick);
    if (tick > found.latest.tick)
      found.latest = { tick, duration: Number(one.duration ?? one.pkt_duration ?? 0) || 0 };
  });
  return found;
}

/** Pure. */
export function spanOf(
  found: Pick<Found, 'shown' | 'keys' | 'latest'>,
  range: TickRange,
  video: VideoStreamProbe,
): FrameSpan {
  const shown = found.shown.sort((a, b) => a - b);
  const inside = shown.filter((pts) => pts >= range.from_tick && pts < range.to_tick);
  const first = inside[0] ?? 0;
  const last = inside.at(-1) ?? 0;
  const next = shown.find((pts) => pts >= range.to_tick);
  const gridTicks = 1 / (rate(video.base_frame_rate) * tickSeconds(video));
  const ownTicks = found.latest.duration > 0 ? found.latest.duration : Math.round(gridTicks);
  const keyBefore = (tick: number): number | null => {
    const before = found.keys.filter((pts) => pts <= tick);
    return before.length > 0 ? before.reduce((a, b) => Math.max(a, b)) : null;
  };
  return {
    frames: inside.length,
    first_tick: first,
    last_tick: last,
    end_tick: next ?? last + ownTicks,
    keyframe_tick: keyBefore(inside[0] ?? range.from_tick),
    last_keyframe_tick: keyBefore(inside.at(-1) ?? range.from_tick),
    is_constant_rate: inside.every(
      (pts, index) => Math.abs(pts - first - index * gridTicks) <= GRID_TOLERANCE * gridTicks,
    ),
  };
}

function rate(fraction: string): number {
  const [numerator, denominator] = fraction.split('/').map(Number);
  return numerator! / denominator!;
}
