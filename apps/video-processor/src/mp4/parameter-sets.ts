import { BrokenMp4 } from './boxes';

/** An AVCDecoderConfigurationRecord, by ISO/IEC 14496-15, 5.3.3. */
interface DecoderConfig {
  /** Version, profile, compatible profiles, level, and how many bytes tell the length of a unit. */
  head: Buffer;
  sequenceSets: Buffer[];
  pictureSets: Buffer[];
  /** What high profiles add. */
  rest: Buffer;
}

const HEAD_BYTES = 5;
const [PROFILE, COMPATIBLE, LEVEL, LENGTH_BYTES] = [1, 2, 3, 4];
const MAX_SEQUENCE_SETS = 31;
const MAX_PICTURE_SETS = 255;

/**
 * One `avcC` for pictures of several: each frame finds its parameter sets by their numbers.
 * @param configs contents of `avcC`; the first one decides what is not in parameter sets.
 * @throws BrokenMp4 where two of them number different ones alike
 */
export function unitedConfig(configs: readonly Buffer[]): Buffer {
  const [base, ...others] = configs.map(readConfig);
  if (!base) throw new BrokenMp4('it has no parameter sets');
  const head = Buffer.from(base.head);
  for (const other of others) {
    if (other.head[LENGTH_BYTES] !== head[LENGTH_BYTES])
      throw new BrokenMp4('units tell their lengths in different ways');
    for (const at of [PROFILE, LEVEL]) head[at] = Math.max(head[at]!, other.head[at]!);
    head[COMPATIBLE]! &= other.head[COMPATIBLE]!;
  }
  const all = [base, ...others];
  const sequenceSets = united(
    all.flatMap((config) => config.sequenceSets),
    sequenceSetId,
  );
  const pictureSets = united(
    all.flatMap((config) => config.pictureSets),
    pictureSetId,
  );
  if (sequenceSets.length > MAX_SEQUENCE_SETS || pictureSets.length > MAX_PICTURE_SETS)
    throw new BrokenMp4('there are too many parameter sets');
  return Buffer.concat([
    head,
    Buffer.from([0xe0 | sequenceSets.length]),
    ...sequenceSets.flatMap(withLength),
    Buffer.from([pictureSets.length]),
    ...pictureSets.flatMap(withLength),
    base.rest,
  ]);
}

function united(sets: readonly Buffer[], idOf: (set: Buffer) => number): Buffer[] {
  const byId = new Map<number, Buffer>();
  for (const set of sets) {
    const id = idOf(set);
    const known = byId.get(id);
    if (known && !known.equals(set)) throw new BrokenMp4(`two parameter sets have the number ${id}`);
    byId.set(id, set);
  }
  return [...byId.values()];
}

function readConfig(content: Buffer): DecoderConfig {
  let at = HEAD_BYTES;
  const take = (count: number): Buffer[] =>
    Array.from({ length: count }, () => {
      const bytes = content.readUInt16BE(at);
      const set = content.subarray(at + 2, at + 2 + bytes);
      if (set.length !== bytes || bytes === 0) throw new BrokenMp4('a parameter set is cut off');
      at += 2 + bytes;
      return set;
    });
  const sequenceSets = take(content[at++]! & 0x1f);
  const pictureSets = take(content[at++]!);
  return { head: content.subarray(0, HEAD_BYTES), sequenceSets, pictureSets, rest: content.subarray(at) };
}

const withLength = (set: Buffer): Buffer[] => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(set.length);
  return [length, set];
};

/** Behind the unit's header, the profile, its constraints and the level (ITU-T H.264, 7.3.2.1.1). */
const sequenceSetId = (set: Buffer): number => expGolomb(set, 32);
/** Behind the unit's header (7.3.2.2). */
const pictureSetId = (set: Buffer): number => expGolomb(set, 8);

/** ue(v) of ITU-T H.264, 9.1. */
function expGolomb(unit: Buffer, fromBit: number): number {
  // Where zeros would look like the start of a unit, a 3 is put in.
  const bytes = [...unit].filter(
    (byte, at) => !(byte === 3 && at > 2 && unit[at - 1] === 0 && unit[at - 2] === 0),
  );
  const bit = (at: number): number => ((bytes[at >> 3] ?? 0x80) >> (7 - (at & 7))) & 1;
  let zeros = 0;
  while (bit(fromBit + zeros) === 0) zeros++;
  let value = 1;
  for (let at = 1; at <= zeros; at++) value = value * 2 + bit(fromBit + zeros + at);
  return value - 1;
}
