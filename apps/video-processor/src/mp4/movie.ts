import { type FileHandle, open } from 'node:fs/promises';
import { BrokenMp4, contentOf, inside, only, topLevel } from './boxes';
import { type Samples, readSamples } from './samples';

/** An MP4 or MOV whose index stands in one place. */
export interface Movie {
  path: string;
  tracks: Track[];
}

export interface Track {
  /** `vide`, `soun`, … */
  handler: string;
  /** Ticks per second. */
  timescale: number;
  /** The one sample description, such as `avc1`, with its header. */
  entry: Buffer;
  samples: Samples;
  /** What of the track is shown, in its ticks; null: all of it. */
  edit: Edit | null;
}

export interface Edit {
  /** Nothing is shown before. */
  delay: number;
  /** `cts` of what is shown first, and of what is not shown any more. */
  from: number;
  to: number;
}

const FRAGMENTED = ['mvex'];

/**
 * Reads the index of an MP4, for what ffprobe would need a pass over the whole file and a process.
 * @returns null where there is none that says all (fragments, edits in several pieces, contradictions, samples that are
 * not in the file): ffmpeg, which repairs much, is to be asked then.
 */
export async function readMovie(path: string): Promise<Movie | null> {
  const file = await open(path);
  try {
    return { path, tracks: await readTracks(file) };
  } catch (error) {
    if (error instanceof BrokenMp4 || error instanceof RangeError) return null;
    throw error;
  } finally {
    await file.close();
  }
}

/** The same by what a file was sniffed to be: only MP4 and MOV have such an index. */
export const movieOf = async (container: string, path: string): Promise<Movie | null> =>
  container === 'mov' ? readMovie(path) : null;

async function readTracks(file: FileHandle): Promise<Track[]> {
  const { size } = await file.stat();
  const index = (await topLevel(file, size)).find(({ type }) => type === 'moov');
  if (!index) throw new BrokenMp4('it has no moov');
  const moov = await contentOf(file, index);
  if (FRAGMENTED.some((type) => inside(moov, type).length > 0)) throw new BrokenMp4('it is fragmented');
  const movieTimescale = timescaleOf(only(moov, 'mvhd'));
  return inside(moov, 'trak')
    .filter((trak) => ['vide', 'soun'].includes(handlerOf(trak)))
    .map((trak) => readTrack(trak, movieTimescale, size));
}

const handlerOf = (trak: Buffer): string => only(trak, 'mdia', 'hdlr').toString('latin1', 8, 12);

function readTrack(trak: Buffer, movieTimescale: number, fileBytes: number): Track {
  const stbl = only(trak, 'mdia', 'minf', 'stbl');
  const stsd = only(stbl, 'stsd');
  const samples = readSamples(stbl);
  for (let index = 0; index < samples.count; index++)
    if (!(samples.offsets[index]! + samples.sizes[index]! <= fileBytes))
      throw new BrokenMp4(`its sample ${index} is not in the file`);
  const timescale = timescaleOf(only(trak, 'mdia', 'mdhd'));
  return {
    handler: handlerOf(trak),
    timescale,
    entry: stsd.subarray(8, 8 + stsd.readUInt32BE(8)),
    samples,
    edit: readEdit(inside(trak, 'edts', 'elst')[0], timescale / movieTimescale),
  };
}

/** Of `mvhd` and `mdhd`. Version 1 has two times of 64 bits in front. */
function timescaleOf(header: Buffer): number {
  const timescale = header.readUInt32BE(header[0] === 1 ? 20 : 12);
  if (timescale === 0) throw new BrokenMp4('a clock of it has no ticks');
  return timescale;
}

const NOTHING_SHOWN = -1;

/** @param ticks of the track in one of the movie, in which edits last. */
function readEdit(elst: Buffer | undefined, ticks: number): Edit | null {
  if (!elst || elst.readUInt32BE(4) === 0) return null;
  let delay = 0;
  let shown: Edit | null = null;
  const isLong = elst[0] === 1;
  const bytes = isLong ? 20 : 12;
  for (let at = 8, left = elst.readUInt32BE(4); left > 0; left--, at += bytes) {
    const duration = isLong ? Number(elst.readBigUInt64BE(at)) : elst.readUInt32BE(at);
    const from = isLong ? Number(elst.readBigInt64BE(at + 8)) : elst.readInt32BE(at + 4);
    if (shown) throw new BrokenMp4('it shows several pieces of a track');
    if (from === NOTHING_SHOWN) {
      delay += duration * ticks;
      continue;
    }
    if (elst.readInt16BE(at + bytes - 4) !== 1) throw new BrokenMp4('it shows a track at another speed');
    // 0: as long as there is something.
    const to = duration === 0 ? Number.POSITIVE_INFINITY : from + Math.round(duration * ticks);
    shown = { delay: 0, from, to };
  }
  return shown && { ...shown, delay: Math.round(delay) };
}
