import type { VideoStreamProbe } from '@mediakiln/contracts';
import { rateOf } from './ffprobe-json';

/** Frames per second as an exact fraction. */
export interface Rate {
  numerator: number;
  denominator: number;
}

/** What a rate that nobody can name becomes: the next one up, so that no frame is lost. */
const COMMON: readonly Rate[] = [
  [10, 1],
  [12, 1],
  [15, 1],
  [20, 1],
  [24_000, 1_001],
  [24, 1],
  [25, 1],
  [30_000, 1_001],
  [30, 1],
  [50, 1],
  [60_000, 1_001],
  [60, 1],
].map(([numerator, denominator]) => ({ numerator: numerator!, denominator: denominator! }));

export const MAX_MERGED_RATE = 60;
/** Averages are a little off the rate that was meant. */
const SAME_SHARE = 0.005;
/** Ticks that are this fine hold the times of sound and of rates that were rounded. */
const MIN_TIMESCALE = 10_000;

export const perSecond = ({ numerator, denominator }: Rate): number => numerator / denominator;
export const rateText = ({ numerator, denominator }: Rate): string => `${numerator}/${denominator}`;

/** `23.976` and its like mean 24000/1001; anything else is meant as it stands. */
export function askedRate(asked: number): Rate {
  const near = COMMON.find((rate) => Math.abs(perSecond(rate) - asked) < 0.005);
  return near ?? { numerator: Math.round(asked * 1_000), denominator: 1_000 };
}

/** Null where frames do not follow each other evenly, or nobody knows. */
export function steadyRate(video: VideoStreamProbe): Rate | null {
  const base = rateOf(video.base_frame_rate);
  const average = rateOf(video.average_frame_rate);
  if (video.is_variable_frame_rate || base === null || average === null) return null;
  const strayed = Math.abs(base - average) * (video.duration_seconds ?? 0);
  return strayed < 0.5 ? fraction(video.base_frame_rate) : null;
}

/** A rate at which nothing of the video is lost, unless it has more frames than anyone sees. */
export function nominalRate(video: VideoStreamProbe): Rate {
  const steady = steadyRate(video);
  const rate = steady ?? upFrom(rateOf(video.average_frame_rate) ?? rateOf(video.base_frame_rate) ?? 25);
  const times = Math.ceil(perSecond(rate) / MAX_MERGED_RATE - SAME_SHARE);
  return times > 1 ? { ...rate, denominator: rate.denominator * times } : rate;
}

const upFrom = (average: number): Rate =>
  COMMON.find((rate) => perSecond(rate) >= average * (1 - SAME_SHARE)) ?? COMMON.at(-1)!;

/** Ticks per second in which each frame lasts a whole number of them. */
export function timescaleOf({ numerator }: Rate): number {
  let timescale = numerator;
  while (timescale < MIN_TIMESCALE) timescale *= 2;
  return timescale;
}

function fraction(text: string): Rate {
  const [numerator, denominator = 1] = text.split('/').map(Number);
  return { numerator: numerator!, denominator };
}
