import { BrokenMp4, inside, only } from './boxes';

/** Of all tracks together: six hours at 60 frames per second, and their sound. What is longer is left to ffprobe. */
export const MAX_SAMPLES = 3_000_000;

/** The samples of a track in the order of decoding; times in ticks of the track, `cts` is when a frame is shown. */
export interface Samples {
  count: number;
  /** Where each lies in the file. */
  offsets: Float64Array;
  sizes: Float64Array;
  dts: Float64Array;
  cts: Float64Array;
  durations: Float64Array;
  /** 1: decoding may start here. */
  isSync: Uint8Array;
}

/**
 * By the tables of ISO/IEC 14496-12, 8.6 and 8.7.
 * @param most samples: one of a size that they all have takes no room in the file.
 * @throws BrokenMp4 when they contradict each other
 */
export function readSamples(stbl: Buffer, most = MAX_SAMPLES): Samples {
  const sizes = readSizes(stbl, most);
  const count = sizes.length;
  const { dts, durations } = readTimes(only(stbl, 'stts'), count);
  return {
    count,
    sizes,
    offsets: readOffsets(stbl, sizes),
    dts,
    durations,
    cts: readShownTimes(inside(stbl, 'ctts')[0], dts),
    isSync: readSync(inside(stbl, 'stss')[0], count),
  };
}

function readSizes(stbl: Buffer, most: number): Float64Array {
  const stsz = only(stbl, 'stsz');
  const count = countAt(stsz, 8);
  if (count > most) throw new BrokenMp4(`it has more than ${MAX_SAMPLES} samples`);
  const same = stsz.readUInt32BE(4);
  if (same > 0) return new Float64Array(count).fill(same);
  return numbers(stsz, 12, count);
}

function readTimes(stts: Buffer, count: number): { dts: Float64Array; durations: Float64Array } {
  const [dts, durations] = [new Float64Array(count), new Float64Array(count)];
  let at = 0;
  let time = 0;
  for (const [run, duration] of runs(stts)) {
    if (at + run > count) throw new BrokenMp4('it has times for more samples than there are');
    for (const end = at + run; at < end; at++) {
      dts[at] = time;
      durations[at] = duration;
      time += duration;
    }
  }
  if (at !== count) throw new BrokenMp4(`it has times for ${at} of ${count} samples`);
  return { dts, durations };
}

/** Without a table, frames are shown in the order of decoding. Both versions of it are read as signed, as players do. */
function readShownTimes(ctts: Buffer | undefined, dts: Float64Array): Float64Array {
  const cts = dts.slice();
  let at = 0;
  for (const [run, offset] of ctts ? runs(ctts) : []) {
    for (const end = Math.min(at + run, cts.length); at < end; at++) cts[at] = cts[at]! + (offset | 0);
  }
  return cts;
}

function readSync(stss: Buffer | undefined, count: number): Uint8Array {
  if (!stss) return new Uint8Array(count).fill(1);
  const isSync = new Uint8Array(count);
  // Counted from 1; one that is out of range marks nothing.
  for (const number of numbers(stss, 8, countAt(stss, 4))) if (number <= count) isSync[number - 1] = 1;
  return isSync;
}

/** Chunks lie anywhere; the samples of each lie one behind the other. */
function readOffsets(stbl: Buffer, sizes: Float64Array): Float64Array {
  const chunks = readChunks(stbl);
  const offsets = new Float64Array(sizes.length);
  const stsc = only(stbl, 'stsc');
  const runsOfChunks = countAt(stsc, 4);
  if (8 + runsOfChunks * 12 > stsc.length) throw new BrokenMp4('its stsc is cut off');
  let sample = 0;
  for (let run = 0; run < runsOfChunks; run++) {
    const at = 8 + run * 12;
    const [first, each, description] = [0, 4, 8].map((more) => stsc.readUInt32BE(at + more)) as [
      number,
      number,
      number,
    ];
    if (description !== 1) throw new BrokenMp4('its samples have more than one description');
    const next = run + 1 < runsOfChunks ? stsc.readUInt32BE(at + 12) : chunks.length + 1;
    // Else a small table could have the same chunks looked at over and over.
    if (each === 0 || next <= first) throw new BrokenMp4('its chunks are listed out of order');
    for (let chunk = first; chunk < next && sample < sizes.length; chunk++) {
      let offset = chunks[chunk - 1];
      if (offset === undefined) throw new BrokenMp4(`it has no chunk ${chunk}`);
      for (let left = each; left > 0 && sample < sizes.length; left--, sample++) {
        offsets[sample] = offset;
        offset += sizes[sample]!;
      }
    }
  }
  if (sample !== sizes.length) throw new BrokenMp4(`its chunks hold ${sample} of ${sizes.length} samples`);
  return offsets;
}

function readChunks(stbl: Buffer): Float64Array {
  const [stco] = inside(stbl, 'stco');
  if (stco) return numbers(stco, 8, countAt(stco, 4));
  const co64 = only(stbl, 'co64');
  const count = countAt(co64, 4);
  if (8 + count * 8 > co64.length) throw new BrokenMp4('its co64 is cut off');
  return Float64Array.from({ length: count }, (_, index) => Number(co64.readBigUInt64BE(8 + index * 8)));
}

/** Pairs of how many, and of what. */
function* runs(table: Buffer): Generator<[number, number]> {
  const count = countAt(table, 4);
  if (8 + count * 8 > table.length) throw new BrokenMp4('a table of times is cut off');
  for (let at = 8; at < 8 + count * 8; at += 8) yield [table.readUInt32BE(at), table.readUInt32BE(at + 4)];
}

function countAt(table: Buffer, at: number): number {
  if (at + 4 > table.length) throw new BrokenMp4('a table is cut off');
  const count = table.readUInt32BE(at);
  if (count > MAX_SAMPLES) throw new BrokenMp4(`a table has ${count} entries; ${MAX_SAMPLES} are read`);
  return count;
}

function numbers(table: Buffer, from: number, count: number): Float64Array {
  if (from + count * 4 > table.length) throw new BrokenMp4('a table is cut off');
  const found = new Float64Array(count);
  for (let index = 0; index < count; index++) found[index] = table.readUInt32BE(from + index * 4);
  return found;
}
