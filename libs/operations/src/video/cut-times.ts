import type { AudioStreamProbe, VideoProbe, VideoStreamProbe } from '@mediakiln/contracts';
import type { FrameSpan } from '../video-plan';
import type { Cut } from './cut';
import { rateOf } from './ffprobe-json';
import { soundEnd } from './sound';
import { micro, tickSeconds, zeroOf } from './timeline';

/** All that a plan of a cut is made from. */
export interface CutOrder {
  probe: VideoProbe;
  video: VideoStreamProbe;
  cut: Cut;
  span: FrameSpan;
  asked: { start: number; end: number };
}

/** When the frames and the sound of a cut start and end, in seconds as players show them. */
export interface CutTimes {
  start: number;
  end: number;
  /** Of the frames alone. */
  picture_end: number;
  frame_seconds: number;
  /** The sound that the cut has; null: none. */
  audio: AudioStreamProbe | null;
}

export function cutTimes({ probe, video, cut, span }: CutOrder): CutTimes {
  const tick = tickSeconds(video);
  const zero = zeroOf(probe);
  const frameSeconds = 1 / (rateOf(video.average_frame_rate) ?? rateOf(video.base_frame_rate) ?? 25);
  const start = span.first_tick * tick - zero;
  // In a VFR video the last frame may stand for long: it is not shown beyond the end that was asked for.
  const lastFrameEnd = Math.min(
    span.end_tick * tick - zero,
    Math.max(cut.end, span.last_tick * tick - zero + frameSeconds),
  );
  const audio = audible(probe, start);
  const end = Math.max(lastFrameEnd, audio ? Math.min(cut.end, soundEnd(probe, audio)) : 0);
  return { start, end, picture_end: lastFrameEnd, frame_seconds: frameSeconds, audio };
}

/** The audio stream, unless it is known to end before the cut starts: an empty track confuses players. */
function audible(probe: VideoProbe, start: number): AudioStreamProbe | null {
  return probe.audio && soundEnd(probe, probe.audio) > start ? probe.audio : null;
}

const TOLERANCE_SECONDS = 0.1;

/** What any plan of a cut has its output checked for. */
export function cutCheck({ span, video }: CutOrder, { start, end, frame_seconds }: CutTimes) {
  const lastFrameSeconds = (span.end_tick - span.last_tick) * tickSeconds(video);
  return {
    frames: span.frames,
    duration_seconds: micro(end - start),
    tolerance_seconds: TOLERANCE_SECONDS + 2 * Math.max(frame_seconds, lastFrameSeconds),
  };
}

export type CutWay =
  | { mode: 'encode'; share_reencoded: 1; fallback_reason: string }
  | { mode: 'copy' | 'smart'; share_reencoded: number };

/** What the job says of a cut. */
export function cutReport({ probe, cut, span, asked }: CutOrder, times: CutTimes, way: CutWay) {
  const { start, end, audio } = times;
  const silent = probe.audio && !audio ? [probe.audio] : [];
  return {
    ...way,
    asked,
    actual: { start: micro(start), end: micro(end), duration: micro(end - start) },
    clamped: cut.clamped,
    frames: span.frames,
    dropped_streams: [
      ...probe.dropped_streams,
      ...silent.map(({ index, codec }) => ({ index, type: 'audio', codec, reason: 'silent in this cut' })),
    ],
  };
}
