import type { Track } from './movie';

/** What players show of a sample. */
export interface Shown {
  /** In ticks of the track, from where the file starts to play. */
  pts: number;
  /** Only there so that others can be decoded. */
  isHidden: boolean;
}

/** @returns by the index of a sample */
export function shownBy({ edit, samples, handler }: Track): (index: number) => Shown {
  if (!edit) return (index) => ({ pts: samples.cts[index]!, isHidden: false });
  const { delay, from, to } = edit;
  // Of a packet of sound a part may be heard.
  const isGradual = handler === 'soun';
  return (index) => {
    const cts = samples.cts[index]!;
    const isBefore = isGradual ? cts + samples.durations[index]! <= from : cts < from;
    return { pts: cts - from + delay, isHidden: isBefore || cts >= to };
  };
}

/** All samples in the order of decoding, with times in seconds. */
export function packetsOf(track: Track) {
  const { samples, timescale } = track;
  const shownOf = shownBy(track);
  return Array.from({ length: samples.count }, (_, index) => {
    const { pts, isHidden } = shownOf(index);
    const dts = samples.dts[index]! / timescale;
    return { pts: pts / timescale, dts, isKey: samples.isSync[index] === 1, isHidden };
  });
}
