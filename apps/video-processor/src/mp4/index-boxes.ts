import { box, fullBox, words } from './boxes';
import type { MadeTrack } from './made-track';
import { pictureBoxes } from './sample-entries';

/** Samples of one track that lie one behind the other in the file, as far as `mdat` is concerned. */
export interface Chunk {
  /** From the start of the file. */
  offset: number;
  samples: number;
}

/** Beyond what 32 bits can name. */
const LONG = 2 ** 32;
const ONE = 0x1_00_00;
const [ENABLED, IN_MOVIE] = [1, 2];
/** Three letters of 5 bits each: `und`, no language known. */
const UNKNOWN_LANGUAGE = 0x55_c4;

export const FILE_TYPE = box('ftyp', Buffer.from('isom\0\0\x02\0isomiso2avc1mp41', 'latin1'));

const LONG_VERSION = 1 << 24;

/** A box with a clock: with times of 64 bits where these of 32 would not do. */
function clockBox(
  type: string,
  flags: number,
  times: readonly number[],
  content: (time: (ticks: number) => number[]) => readonly (Buffer | readonly number[])[],
): Buffer {
  const isLong = times.some((ticks) => ticks >= LONG);
  const time = (ticks: number): number[] => (isLong ? [Math.floor(ticks / LONG), ticks % LONG] : [ticks]);
  return fullBox(type, flags + (isLong ? LONG_VERSION : 0), ...content(time));
}

/** The index of a movie whose clock is that of its first track. */
export function movieIndex(
  tracks: readonly { track: MadeTrack; chunks: readonly Chunk[] }[],
  rotationDegrees: number,
): Buffer {
  const { timescale } = tracks[0]!.track;
  const lengths = tracks.map(({ track }) => lengthIn(track, timescale));
  const length = Math.max(...lengths);
  const header = clockBox('mvhd', 0, [length], (time) => [
    [...time(0), ...time(0), timescale, ...time(length), ONE, 0x0100_0000, 0, 0],
    turned(0, { width: 0, height: 0 }),
    [0, 0, 0, 0, 0, 0, tracks.length + 1],
  ]);
  const traks = tracks.map(({ track, chunks }, at) =>
    trak(track, chunks, { id: at + 1, length: lengths[at]!, timescale, rotationDegrees }),
  );
  return box('moov', header, ...traks);
}

/** With what comes before anything is shown, in ticks of the movie. Rounded up, so that no end is lost. */
const lengthIn = ({ edit, timescale: own }: MadeTrack, timescale: number): number =>
  Math.ceil(((edit.delay + edit.duration) * timescale) / own);

interface Place {
  id: number;
  length: number;
  timescale: number;
  rotationDegrees: number;
}

function trak(
  track: MadeTrack,
  chunks: readonly Chunk[],
  { id, length, timescale, rotationDegrees }: Place,
): Buffer {
  const isPicture = track.handler === 'vide';
  const size = isPicture ? storedSize(track.entry) : { width: 0, height: 0 };
  const shape = isPicture
    ? [Math.round(size.width * stretchOf(track.entry) * ONE), size.height * ONE]
    : [0, 0];
  const ticks = track.durations.reduce((sum, duration) => sum + duration, 0);
  return box(
    'trak',
    clockBox('tkhd', ENABLED | IN_MOVIE, [length], (time) => [
      [...time(0), ...time(0), id, 0, ...time(length), 0, 0],
      isPicture ? [0, 0] : [1, 0x0100_0000],
      turned(isPicture ? rotationDegrees : 0, size),
      shape,
    ]),
    box('edts', editList(track, timescale)),
    box(
      'mdia',
      clockBox('mdhd', 0, [ticks], (time) => [
        [...time(0), ...time(0), track.timescale, ...time(ticks), UNKNOWN_LANGUAGE << 16],
      ]),
      fullBox('hdlr', 0, [0], Buffer.from(track.handler, 'latin1'), [0, 0, 0], Buffer.from('\0', 'latin1')),
      box(
        'minf',
        isPicture ? fullBox('vmhd', 1, [0, 0]) : fullBox('smhd', 0, [0]),
        // Flag 1: the samples are in this file.
        box('dinf', fullBox('dref', 0, [1], fullBox('url ', 1))),
        sampleTable(track, chunks),
      ),
    ),
  );
}

function editList({ edit, timescale: own }: MadeTrack, timescale: number): Buffer {
  const of = (ticks: number): number => Math.ceil((ticks * timescale) / own);
  const [delay, duration] = [of(edit.delay), of(edit.duration)];
  return clockBox('elst', 0, [delay, duration, edit.from], (time) => {
    const nothing = time(0).map(() => -1);
    const empty = delay > 0 ? [...time(delay), ...nothing, ONE] : [];
    return [[delay > 0 ? 2 : 1, ...empty, ...time(duration), ...time(edit.from), ONE]];
  });
}

function sampleTable(track: MadeTrack, chunks: readonly Chunk[]): Buffer {
  const { entry, durations, shownAfter, isSync, sizes } = track;
  const keys = isSync ? [...isSync.keys()].filter((at) => isSync[at] === 1).map((at) => at + 1) : [];
  const isLong = chunks.some(({ offset }) => offset >= LONG);
  return box(
    'stbl',
    fullBox('stsd', 0, [1], entry),
    fullBox('stts', 0, runsOf(durations)),
    ...(shownAfter && shownAfter.some((ticks) => ticks !== 0)
      ? [fullBox('ctts', 0, runsOf(shownAfter))]
      : []),
    ...(isSync ? [fullBox('stss', 0, [keys.length, ...keys])] : []),
    fullBox('stsc', 0, chunkRuns(chunks)),
    fullBox('stsz', 0, [0, sizes.length], words([...sizes])),
    isLong
      ? fullBox('co64', 0, [
          chunks.length,
          ...chunks.flatMap(({ offset }) => [Math.floor(offset / LONG), offset % LONG]),
        ])
      : fullBox('stco', 0, [chunks.length, ...chunks.map(({ offset }) => offset)]),
  );
}

/** How many there are, then how often each value in a row. */
function runsOf(values: Float64Array): number[] {
  const runs: number[] = [];
  for (const value of values) {
    if (runs.at(-1) === value) runs[runs.length - 2]!++;
    else runs.push(1, value);
  }
  return [runs.length / 2, ...runs];
}

function chunkRuns(chunks: readonly Chunk[]): number[] {
  const runs: number[] = [];
  chunks.forEach(({ samples }, at) => {
    if (runs.at(-2) !== samples) runs.push(at + 1, samples, 1);
  });
  return [runs.length / 3, ...runs];
}

function storedSize(entry: Buffer): { width: number; height: number } {
  return { width: entry.readUInt16BE(32), height: entry.readUInt16BE(34) };
}

/** How much wider than high pixels are shown. */
function stretchOf(entry: Buffer): number {
  const { pasp } = pictureBoxes(entry, 'pasp');
  return pasp ? pasp.readUInt32BE(0) / pasp.readUInt32BE(4) : 1;
}

/** The matrix of ISO/IEC 14496-12, 6.2.2, with which a picture is turned clockwise and moved back into its frame. */
function turned(degrees: number, { width, height }: { width: number; height: number }): number[] {
  const [cos, sin] = ({ 0: [1, 0], 90: [0, 1], 180: [-1, 0], 270: [0, -1] } as const)[degrees] ?? [1, 0];
  const right = degrees === 90 ? height : degrees === 180 ? width : 0;
  const down = degrees === 180 ? height : degrees === 270 ? width : 0;
  return [cos * ONE, sin * ONE, 0, -sin * ONE, cos * ONE, 0, right * ONE, down * ONE, 0x4000_0000];
}
