import { BrokenMp4 } from './boxes';

/** A track that is about to be written: where its samples are taken from, and when each is decoded and shown. */
export interface MadeTrack {
  handler: 'vide' | 'soun';
  timescale: number;
  entry: Buffer;
  /** By its place among the files that are read. */
  files: Uint16Array;
  offsets: Float64Array;
  sizes: Float64Array;
  /** From 0 on, growing. */
  dts: Float64Array;
  durations: Float64Array;
  /** How much later than decoded a sample is shown; null: never. */
  shownAfter: Float64Array | null;
  /** Null: each of them. */
  isSync: Uint8Array | null;
  /** What is shown: after how long, from which `cts` on, for how long. */
  edit: { delay: number; from: number; duration: number };
}

/**
 * The earliest decoding times that grow, and with which each frame is decoded before it is shown.
 * @param pts when frames are shown, in the order of decoding.
 * @param end when the last one gives way.
 * @throws BrokenMp4 where two are shown at one time
 */
export function timesOf(pts: Float64Array, end: number) {
  const inOrder = pts.slice().sort();
  const start = inOrder[0]!;
  let delay = 0;
  for (let at = 0; at < pts.length; at++) delay = Math.max(delay, inOrder[at]! - pts[at]!);
  const durations = inOrder.map((tick, at) => (inOrder[at + 1] ?? end) - tick);
  if (durations.some((duration) => !(duration > 0))) throw new BrokenMp4('two frames are shown at one time');
  return {
    dts: inOrder.map((tick) => tick - start),
    durations,
    shownAfter: pts.map((tick, at) => tick + delay - inOrder[at]!),
    edit: { delay: start, from: delay, duration: end - start },
  };
}
