import { AppError } from '@mediakiln/contracts';
import type { PicturePiece, RunSource, Splice } from '@mediakiln/operations';
import { BrokenMp4 } from './boxes';
import { firstIdr } from './idr-samples';
import { type Movie, type Track, readMovie } from './movie';
import { pictureEntry, soundEntry } from './sample-entries';
import { MAX_SAMPLES } from './samples';
import type { MadeTrack } from './made-track';
import { type PieceOf, splicedPicture, startOf } from './spliced-picture';
import { packedSound, stretchedSound } from './spliced-sound';
import { type MovieWriting, writeMovie } from './write-movie';

export interface SpliceOrder extends MovieWriting {
  output: string;
  pathOf: (source: RunSource) => string;
}

/**
 * Makes an MP4 of the samples of others, without a process and without decoding anything.
 * @throws AppError output_not_verified where they cannot be put together
 */
export async function carryOutSplice(splice: Splice, order: SpliceOrder): Promise<void> {
  const inputs = new Inputs(order.pathOf);
  try {
    const tracks = [await pictureOf(splice, inputs, order.signal), ...(await soundOf(splice, inputs))];
    const { rotation_degrees: rotationDegrees } = splice.picture;
    await writeMovie(order.output, { tracks, rotationDegrees, paths: inputs.paths }, order);
  } catch (error) {
    throw asUnjoinable(error);
  }
}

/** What a reader stumbles over is told in our words alone. */
export function asUnjoinable(error: unknown): unknown {
  if (!(error instanceof BrokenMp4 || error instanceof RangeError)) return error;
  const reason = error instanceof BrokenMp4 ? error.message : 'its index contradicts itself';
  return new AppError('output_not_verified', `What is to be copied cannot be joined: ${reason}`, {
    cause: error,
  });
}

async function pictureOf({ picture }: Splice, inputs: Inputs, signal: AbortSignal): Promise<MadeTrack> {
  const pieces = await inputs.of('vide', picture.pieces);
  // What most of it is of decides how all of it is described.
  const most = Math.max(...picture.pieces.map(({ frames }) => frames));
  const entries = [...pieces].sort(
    (one, other) => Number(other.piece.frames === most) - Number(one.piece.frames === most),
  );
  const made: MadeTrack = {
    ...splicedPicture(pieces, picture),
    entry: pictureEntry(
      entries.map(({ track }) => track.entry),
      picture.sample_aspect_ratio,
    ),
  };
  await refuseOpenStarts(pieces, inputs.paths, signal);
  return made;
}

/** Behind another piece, a decoder takes any keyframe but an IDR picture for a part of that. @throws BrokenMp4 */
async function refuseOpenStarts(
  pieces: readonly PieceOf<PicturePiece>[],
  paths: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const known = new Set<string>();
  for (const { piece, track, file } of pieces) {
    const from = startOf(track, piece);
    const place = `${file} ${from}`;
    if (known.has(place)) continue;
    known.add(place);
    if ((await firstIdr(paths[file]!, track, [from], signal)) === null)
      throw new BrokenMp4('a piece of it starts with a keyframe behind which frames may look back');
  }
}

async function soundOf({ sound }: Splice, inputs: Inputs): Promise<MadeTrack[]> {
  if (!sound) return [];
  if ('stretch' in sound) {
    const [stretch] = await inputs.of('soun', [sound.stretch]);
    return [{ ...stretchedSound(stretch!), entry: soundEntry([stretch!.track.entry]) }];
  }
  const pieces = await inputs.of('soun', sound.pieces);
  return [{ ...packedSound(pieces, sound), entry: soundEntry(pieces.map(({ track }) => track.entry)) }];
}

/** Of all files together; no output may last so long that it had more. */
const MOST_SAMPLES = 2 * MAX_SAMPLES;

/** The files that a splice names; each is read once. */
class Inputs {
  readonly paths: string[] = [];
  private readonly movies: (Movie | null)[] = [];
  private left = MOST_SAMPLES;

  constructor(private readonly pathOf: SpliceOrder['pathOf']) {}

  async of<T extends { source: RunSource; stream: number | null }>(
    handler: Track['handler'],
    pieces: readonly T[],
  ) {
    const found: { piece: T; track: Track; file: number }[] = [];
    for (const piece of pieces) {
      const file = await this.fileOf(piece.source);
      const track = this.movies[file]?.tracks.find(
        (one) => one.handler === handler && (piece.stream === null || piece.stream === one.index),
      );
      if (!track) throw new BrokenMp4('a part of it has no index that says where its samples are');
      found.push({ piece, track: 'made' in piece.source ? untilItsEnd(track) : track, file });
    }
    return found;
  }

  private async fileOf(source: RunSource): Promise<number> {
    const path = this.pathOf(source);
    const known = this.paths.indexOf(path);
    if (known >= 0) return known;
    const movie = await readMovie(path, Math.min(this.left, MAX_SAMPLES));
    for (const { samples } of movie?.tracks ?? []) this.left -= samples.count;
    this.movies.push(movie);
    return this.paths.push(path) - 1;
  }
}

/** ffmpeg 4 sums up rounded times, and its edit list then ends before the last frame: of what we had it make we want all. */
const untilItsEnd = (track: Track): Track =>
  track.edit ? { ...track, edit: { ...track.edit, to: Number.POSITIVE_INFINITY } } : track;
