import type { VideoProbe, VideoStreamProbe } from '@mediakiln/contracts';
import { type FrameSpan, type TickRange, tickSeconds } from '@mediakiln/operations';
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
  const tick = tickSeconds(video);
  const spareSeconds = SPARE_SECONDS + REORDER_FRAMES / (probe.frames_per_second ?? 1);
  const end = (range.to_tick * tick + spareSeconds).toFixed(3);
  const startSeconds = Math.floor(range.from_tick * tick - spareSeconds);
  const mode = readsPackets(video, target.container) ? 'packets' : 'frames';
  if (startSeconds > 0) {
    const found = await read(engine, target, video, mode, `${startSeconds}%${end}`);
    // A seek may land late: then the stretch is not covered, and only reading from the start is sure.
    const span = spanOf(found, range, video);
    if (span.keyframe_tick !== null) return span;
  }
  return spanOf(await read(engine, target, video, mode, `%${end}`), range, video);
}

/** How many frames a player shows of a file of our own making, where each packet is a frame. */
export async function countFrames(engine: FfmpegEngine, target: ProbeTarget): Promise<number> {
  let frames = 0;
  const question = ['-select_streams', 'v:0', '-show_entries', 'packet=flags', '-of', 'compact=p=0'];
  await ffprobe(engine, target, question, (line) => {
    const { flags } = fields(line);
    if (flags !== undefined && !flags.includes('D')) frames += 1;
  });
  return frames;
}

const readsPackets = (video: VideoStreamProbe, container: string): boolean =>
  PACKETS_ARE_FRAMES.containers.includes(container) && PACKETS_ARE_FRAMES.codecs.includes(video.codec);

interface Found {
  /** pts of shown frames, in any order. */
  shown: number[];
  keys: number[];
  /** pts -> duration of the latest frame. */
  latest: { tick: number; duration: number };
}

async function read(
  engine: FfmpegEngine,
  target: ProbeTarget,
  video: VideoStreamProbe,
  mode: 'packets' | 'frames',
  interval: string,
): Promise<Found> {
  const found: Found = { shown: [], keys: [], latest: { tick: Number.NEGATIVE_INFINITY, duration: 0 } };
  const entries =
    mode === 'packets'
      ? 'packet=pts,duration,flags'
      : 'frame=key_frame,best_effort_timestamp,pkt_duration,duration';
  const question = ['-select_streams', String(video.index), '-read_intervals', interval];
  await ffprobe(engine, target, [...question, '-show_entries', entries, '-of', 'compact=p=0'], (line) => {
    const one = fields(line);
    const tick = Number(one.pts ?? one.best_effort_timestamp ?? Number.NaN);
    if (!Number.isFinite(tick)) return;
    if (one.key_frame === '1' || one.flags?.includes('K')) found.keys.push(tick);
    // An edit list hides frames that are only there to be decoded.
    if (one.flags?.includes('D')) return;
    found.shown.push(tick);
    if (tick > found.latest.tick)
      found.latest = { tick, duration: Number(one.duration ?? one.pkt_duration ?? 0) || 0 };
  });
  return found;
}

/** Pure. */
export function spanOf(found: Found, range: TickRange, video: VideoStreamProbe): FrameSpan {
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
