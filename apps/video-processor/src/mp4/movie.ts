import { type FileHandle, open } from 'node:fs/promises';
import { BrokenMp4, contentOf, inside, only, topLevel } from './boxes';
import { MAX_SAMPLES, type Samples, readSamples } from './samples';

/** An MP4 or MOV whose index stands in one place. */
export interface Movie {
  path: string;
  tracks: Track[];
}

export interface Track {
  /** Its place among all tracks of the file, of whatever kind: ffprobe's index of the stream. */
  index: number;
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
export async function readMovie(path: string, mostSamples = MAX_SAMPLES): Promise<Movie | null> {
  const file = await open(path);
  try {
    return { path, tracks: await readTracks(file, mostSamples) };
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

async function readTracks(file: FileHandle, mostSamples: number): Promise<Track[]> {
  const { size } = await file.stat();
  const moov = await readIndex(file, size);
  if (FRAGMENTED.some((type) => inside(moov, type).length > 0)) throw new BrokenMp4('it is fragmented');
  const movieTimescale = timescaleOf(only(moov, 'mvhd'));
  const tracks: Track[] = [];
  let left = mostSamples;
  for (const [index, trak] of inside(moov, 'trak').entries()) {
    if (!['vide', 'soun'].includes(handlerOf(trak))) continue;
    const track = readTrack(trak, { index, movieTimescale, fileBytes: size, mostSamples: left });
    left -= track.samples.count;
    tracks.push(track);
  }
  return tracks;
}

async function readIndex(file: FileHandle, fileBytes: number): Promise<Buffer> {
  for await (const box of topLevel(file, fileBytes)) if (box.type === 'moov') return contentOf(file, box);
  throw new BrokenMp4('it has no moov');
}

interface TrackOrder {
  index: number;
  movieTimescale: number;
  fileBytes: number;
  mostSamples: number;
}

const handlerOf = (trak: Buffer): string => only(trak, 'mdia', 'hdlr').toString('latin1', 8, 12);

function readTrack(trak: Buffer, { index, movieTimescale, fileBytes, mostSamples }: TrackOrder): Track {
  const stbl = only(trak, 'mdia', 'minf', 'stbl');
  const stsd = only(stbl, 'stsd');
  const samples = readSamples(stbl, mostSamples);
  for (let at = 0; at < samples.count; at++)
    if (!(samples.offsets[at]! + samples.sizes[at]! <= fileBytes))
      throw new BrokenMp4(`its sample ${at} is not in the file`);
  const timescale = timescaleOf(only(trak, 'mdia', 'mdhd'));
  return {
    index,
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
