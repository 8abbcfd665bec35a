import { type MadeTrack, timesOf } from './made-track';
import type { Track } from './movie';
import { writeMovie } from './write-movie';

/** A few samples of a track of pictures. */
export interface Excerpt {
  path: string;
  track: Track;
  /** In the order of decoding. */
  indices: readonly number[];
}

/** Writes an MP4 of nothing but some samples, each shown when it is shown in the whole. */
export async function writeExcerpt(
  output: string,
  { path, track, indices }: Excerpt,
  signal: AbortSignal,
): Promise<void> {
  const { samples, entry, timescale } = track;
  const of = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from(indices, (index) => values[index]!);
  const pts = of(samples.cts);
  const end = pts.reduce((latest, tick) => Math.max(latest, tick), 0) + 1;
  const made: MadeTrack = {
    ...{ handler: 'vide', timescale, entry },
    files: new Uint16Array(indices.length),
    offsets: of(samples.offsets),
    sizes: of(samples.sizes),
    isSync: Uint8Array.from(of(samples.isSync)),
    ...timesOf(pts, end),
  };
  const order = { tracks: [made], rotationDegrees: 0, paths: [path] };
  await writeMovie(output, order, { signal, onSize: () => undefined });
}
