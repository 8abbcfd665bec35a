import type { VideoProbe } from '@mediakiln/contracts';

/** Nearer to the start than this, decoding from the start costs less than the risk of a seek. */
const MIN_SEEK_SECONDS = 1;
/** Containers without an index of keyframes are seeked by guessing: aim well before the keyframe. */
const GUESSED_SEEK_SECONDS = 2;
const INDEXED_CONTAINERS = ['mov', 'matroska'];

/**
 * Input options with which decoding begins at the keyframe at or before a time, or at the start of the file, and frames
 * keep the file's own times.
 * @param seconds in the file's own time; null: from the start.
 */
export function startingAt(probe: VideoProbe, seconds: number | null): string[] {
  const kept = ['-copyts', '-noaccurate_seek'];
  if (seconds === null) return kept;
  const margin = isIndexed(probe) ? 0 : GUESSED_SEEK_SECONDS;
  // `-ss` counts from where the container starts, whatever `-copyts` says.
  const target = seconds - probe.start_seconds - margin;
  return target < MIN_SEEK_SECONDS ? kept : [...kept, '-ss', target.toFixed(6)];
}

export const tickTime = (ticks: number | null, tickSeconds: number): number | null =>
  ticks === null ? null : ticks * tickSeconds;

export const isIndexed = ({ container }: VideoProbe): boolean => INDEXED_CONTAINERS.includes(container);
