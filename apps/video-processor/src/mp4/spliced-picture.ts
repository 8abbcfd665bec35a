import type { PicturePiece } from '@mediakiln/operations';
import { BrokenMp4 } from './boxes';
import { type MadeTrack, timesOf } from './made-track';
import type { Track } from './movie';
import { shownBy } from './shown';

export interface PieceOf<T> {
  piece: T;
  track: Track;
  file: number;
}

/**
 * The samples of pieces one behind the other. Decoding times are made anew out of the times at which frames are shown, so
 * that pieces may reorder differently.
 * @throws BrokenMp4 where a piece does not have its frames in one stretch
 */
export function splicedPicture(
  pieces: readonly PieceOf<PicturePiece>[],
  { timescale, end_tick }: { timescale: number; end_tick: number },
): Omit<MadeTrack, 'entry'> {
  const count = pieces.reduce((sum, { piece }) => sum + piece.frames, 0);
  const [offsets, sizes, pts] = [0, 1, 2].map(() => new Float64Array(count)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const [files, isSync] = [new Uint16Array(count), new Uint8Array(count)];
  let at = 0;
  for (const { piece, track, file } of pieces) {
    const { from, shown } = stretchOf(track, piece);
    const scale = timescale / track.timescale;
    const first = Math.min(...edgeOf(shown));
    for (const [index, tick] of shown.entries()) {
      files[at] = file;
      offsets[at] = track.samples.offsets[from + index]!;
      sizes[at] = track.samples.sizes[from + index]!;
      isSync[at] = track.samples.isSync[from + index]!;
      pts[at] = piece.at_tick + Math.round((tick - first) * scale);
      at++;
    }
  }
  return { handler: 'vide', timescale, files, offsets, sizes, isSync, ...timesOf(pts, end_tick) };
}

/** No encoder reorders further. */
const EDGE_FRAMES = 64;
const edgeOf = (shown: Float64Array): Float64Array => shown.subarray(0, EDGE_FRAMES);

/** The first sample of a piece; as many as there are where it is not there. */
export function startOf(track: Track, { from_tick }: PicturePiece): number {
  const { count } = track.samples;
  const shownOf = shownBy(track);
  let from = 0;
  if (from_tick !== null) while (from < count && shownOf(from).pts !== from_tick) from++;
  return from;
}

function stretchOf(track: Track, piece: PicturePiece): { from: number; shown: Float64Array } {
  const { frames } = piece;
  const { count, isSync } = track.samples;
  const shownOf = shownBy(track);
  const from = startOf(track, piece);
  if (from + frames > count)
    throw new BrokenMp4(`it has ${Math.max(0, count - from)} of ${frames} frames that are to be copied`);
  if (isSync[from] !== 1) throw new BrokenMp4('a piece of it does not start with a keyframe');
  const shown = new Float64Array(frames);
  let [last, next] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let index = 0; index < frames; index++) {
    const { pts, isHidden } = shownOf(from + index);
    if (isHidden) throw new BrokenMp4('an edit list hides frames that are to be copied');
    shown[index] = pts;
    last = Math.max(last, pts);
  }
  for (let index = from + frames; index < count; index++) next = Math.min(next, shownOf(index).pts);
  if (last >= next) throw new BrokenMp4('frames are shown in another order than a piece ends');
  return { from, shown };
}
