import type { VideoProbe, VideoStreamProbe } from '@mediakiln/contracts';
import type { EngineRun, FrameSpan, TickRange } from '../video-plan';
import { rateOf } from './ffprobe-json';
import { isIndexed } from './seek';
import { pictureEnd } from './sound';
import { micro, tickSeconds, ticksBetween, zeroOf } from './timeline';

interface Pictured {
  probe: VideoProbe;
  video: VideoStreamProbe;
}

/** Beyond what headers say that the picture lasts. */
const SPARE_SECONDS = 1;
/** Where every packet is a frame with a time of its own, counting takes no decoding. */
const COUNTED_CODECS = ['h264', 'hevc', 'vp9', 'av1', 'mjpeg'];

/** All of the frames, where counting them is cheap; else null. */
export function wholePicture({ probe, video }: Pictured): TickRange | null {
  if (!isIndexed(probe) || !COUNTED_CODECS.includes(video.codec)) return null;
  return ticksBetween(probe, video, 0, Math.max(probe.duration_seconds, pictureEnd(probe)) + SPARE_SECONDS);
}

/** How the frames of a whole video get their times, and what is known of them before. */
export interface WholeTiming {
  filters: string[];
  /** For the encoder. */
  options: string[];
  frame_timing: EngineRun['frame_timing'];
  frames?: number;
  /** When the picture ends. */
  end_seconds: number;
  tolerance_seconds: number;
}

const TOLERANCE_SECONDS = 0.1;
/** Of a file whose frames nobody has counted. */
const LOOSE_TOLERANCE_SECONDS = 0.5;

/** @param rate frames per second that were asked for; without one every frame keeps its time. */
export function wholeTiming({ probe, video }: Pictured, span: FrameSpan | null, rate?: string): WholeTiming {
  const zero = zeroOf(probe);
  const fromZero = zero === 0 ? [] : [`setpts=round(PTS-(${zero.toFixed(6)})/TB)`];
  const tick = tickSeconds(video);
  const counted = span !== null && span.frames > 0 ? span : null;
  const frameSeconds =
    1 / (rateOf(rate) ?? rateOf(video.average_frame_rate) ?? rateOf(video.base_frame_rate) ?? 25);
  const lastSeconds = counted ? (counted.end_tick - counted.last_tick) * tick : frameSeconds;
  const end_seconds = counted ? micro(counted.end_tick * tick - zero) : pictureEnd(probe);
  const tolerance_seconds =
    (counted ? TOLERANCE_SECONDS : LOOSE_TOLERANCE_SECONDS) + 2 * Math.max(frameSeconds, lastSeconds);
  const known = { end_seconds, tolerance_seconds };
  if (rate !== undefined)
    return {
      ...known,
      filters: [...fromZero, `fps=fps=${rate}:start_time=0`],
      options: [],
      frame_timing: 'passthrough',
    };
  // On a grid of frames none can be lost, and encoders choose the finest clock for it.
  if (counted?.is_constant_rate)
    return { ...known, filters: fromZero, options: [], frame_timing: 'passthrough', frames: counted.frames };
  // Off the grid, as in video.trim: the stream's own clock, and no B-frames, whose edit list hides the last frame.
  if (counted)
    return {
      ...known,
      filters: fromZero,
      options: ['-enc_time_base', '-1', '-bf', '0'],
      frame_timing: 'passthrough',
      frames: counted.frames,
    };
  return { ...known, filters: fromZero, options: [], frame_timing: 'constant' };
}
