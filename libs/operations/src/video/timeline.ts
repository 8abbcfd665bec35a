import { AppError, type Probe, type VideoProbe, type VideoStreamProbe } from '@mediakiln/contracts';
import type { TickRange } from '../video-plan';

/** Times come in microseconds at best: two that differ by less are the same. */
const EPSILON_SECONDS = 1e-6;

/** The first input and its picture. @throws AppError no_video_stream */
export function pictured([probe]: readonly Probe[]): { probe: VideoProbe; video: VideoStreamProbe } {
  if (probe === undefined || probe.kind === 'image' || !probe.video)
    throw new AppError('no_video_stream', 'The input has no video stream');
  return { probe, video: probe.video };
}

/**
 * The file's own second that players show as 0: where its first stream starts. An audio stream that starts below zero
 * only brings its encoder's priming, which nobody hears.
 */
export function zeroOf(probe: VideoProbe): number {
  const isPriming = probe.start_seconds < 0 && (probe.video?.start_seconds ?? 0) >= 0;
  return isPriming ? 0 : probe.start_seconds;
}

export function tickSeconds(video: VideoStreamProbe): number {
  const [numerator, denominator] = video.time_base.split('/').map(Number);
  return numerator! / denominator!;
}

/** The frames with start <= pts < end, both in seconds as players show them. */
export function ticksBetween(
  probe: VideoProbe,
  video: VideoStreamProbe,
  start: number,
  end: number,
): TickRange {
  const tick = tickSeconds(video);
  // `|| 0`: a time just below zero rounds up to -0.
  const tickAt = (seconds: number): number =>
    Math.ceil((seconds + zeroOf(probe) - EPSILON_SECONDS) / tick) || 0;
  return { from_tick: tickAt(start), to_tick: tickAt(end) };
}

/** The frames of the last seconds up to and including the one that is shown at `time`, in seconds as players show them. */
export function ticksUpTo(
  probe: VideoProbe,
  video: VideoStreamProbe,
  time: number,
  lookBackSeconds: number,
): TickRange {
  const { from_tick } = ticksBetween(probe, video, Math.max(0, time - lookBackSeconds), time);
  return {
    from_tick,
    to_tick: Math.floor((time + zeroOf(probe) + EPSILON_SECONDS) / tickSeconds(video)) + 1,
  };
}

/** Microseconds are as fine as ffmpeg reads times. */
export const micro = (seconds: number): number => Number(seconds.toFixed(6));
