import { BrokenMp4, box, boxesIn } from './boxes';
import { unitedConfig } from './parameter-sets';

/** Of every sample entry: its header, reserved bytes, where its data is. */
const ENTRY_BYTES = 16;
const PICTURE_BYTES = ENTRY_BYTES + 70;
const SOUND_BYTES = ENTRY_BYTES + 20;
/** What QuickTime puts between, by the version of its description of sound. */
const QUICKTIME_BYTES = [0, 16, 36];
/** In the last version, where the channels stand instead. */
const LATE_CHANNELS = SOUND_BYTES + 12;

/**
 * One `avc1` for pieces whose pictures are of one size.
 * @param entries the first one's size and colours count.
 * @param aspect of pixels, as `4:3`.
 * @throws BrokenMp4 where the pieces cannot stand in one track
 */
export function pictureEntry(entries: readonly Buffer[], aspect: string): Buffer {
  const pieces = entries.map((entry) => {
    const type = entry.toString('latin1', 4, 8);
    if (type !== 'avc1') throw new BrokenMp4(`its picture is ${type}`);
    return {
      width: entry.readUInt16BE(ENTRY_BYTES + 16),
      height: entry.readUInt16BE(ENTRY_BYTES + 18),
      ...pictureBoxes(entry, 'avcC', 'colr'),
    };
  });
  const [{ width, height, colr }] = pieces as [(typeof pieces)[0]];
  if (pieces.some((piece) => piece.width !== width || piece.height !== height))
    throw new BrokenMp4('its pieces are of different sizes');
  const fixed = Buffer.alloc(PICTURE_BYTES - 8);
  fixed.writeUInt16BE(1, 6);
  fixed.writeUInt16BE(width, 24);
  fixed.writeUInt16BE(height, 26);
  fixed.writeUInt32BE(72 << 16, 28);
  fixed.writeUInt32BE(72 << 16, 32);
  fixed.writeUInt16BE(1, 40);
  fixed.writeUInt16BE(24, 74);
  fixed.writeInt16BE(-1, 76);
  const configs = pieces.map(({ avcC }) => {
    if (!avcC) throw new BrokenMp4('it has no parameter sets');
    return avcC;
  });
  const [across, down] = aspect.split(':').map(Number) as [number, number];
  return box(
    'avc1',
    fixed,
    box('avcC', unitedConfig(configs)),
    ...(colr ? [box('colr', colr)] : []),
    ...(across !== down && across > 0 && down > 0 ? [box('pasp', [across, down])] : []),
  );
}

/** One `mp4a` for pieces of AAC. @throws BrokenMp4 where a decoder of the first does not decode the others */
export function soundEntry(entries: readonly Buffer[]): Buffer {
  const pieces = entries.map(readSound);
  const [first] = pieces as [(typeof pieces)[0]];
  if (pieces.some(({ config }) => !config.equals(first.config)))
    throw new BrokenMp4('its pieces of sound are of different kinds');
  const fixed = Buffer.alloc(SOUND_BYTES - 8);
  fixed.writeUInt16BE(1, 6);
  fixed.writeUInt16BE(first.channels, 16);
  fixed.writeUInt16BE(16, 18);
  fixed.writeUInt32BE(first.rate, 24);
  return box('mp4a', fixed, box('esds', first.esds));
}

function readSound(entry: Buffer) {
  const type = entry.toString('latin1', 4, 8);
  const version = entry.readUInt16BE(ENTRY_BYTES);
  const more = QUICKTIME_BYTES[version];
  if (type !== 'mp4a' || more === undefined)
    throw new BrokenMp4(`its sound is ${type}, described in version ${version}`);
  const { esds, wave } = boxesOf(entry.subarray(SOUND_BYTES + more), 'esds', 'wave');
  const found = esds ?? (wave && boxesOf(wave, 'esds').esds);
  if (!found) throw new BrokenMp4('its sound has no description');
  return {
    channels: version === 2 ? entry.readUInt32BE(LATE_CHANNELS) : entry.readUInt16BE(ENTRY_BYTES + 8),
    // In 16.16 bits; decoders look for it in the description of AAC itself.
    rate: version === 2 ? 0 : entry.readUInt32BE(ENTRY_BYTES + 16),
    esds: found,
    config: decoderConfig(found),
  };
}

/** What follows the fixed part of a description of pictures, by its type. */
export const pictureBoxes = <T extends string>(
  entry: Buffer,
  ...types: readonly T[]
): Partial<Record<T, Buffer>> => boxesOf(entry.subarray(PICTURE_BYTES), ...types);

function boxesOf<T extends string>(data: Buffer, ...types: readonly T[]): Partial<Record<T, Buffer>> {
  const found: Partial<Record<T, Buffer>> = {};
  // A QuickTime list may end in four zeros.
  for (const { type, content } of boxesIn(data.subarray(0, endOfBoxes(data))))
    if (types.includes(type as T)) found[type as T] ??= content;
  return found;
}

function endOfBoxes(data: Buffer): number {
  let at = 0;
  while (at + 8 <= data.length && data.readUInt32BE(at) >= 8) at += data.readUInt32BE(at);
  return Math.min(at, data.length);
}

const TAGS = { stream: 3, decoder: 4, specific: 5 };
/** Kind, rate and channels; what may follow says the same in other words. */
const TELLING_BYTES = 2;

/** In an `esds`, by ISO/IEC 14496-1, 7.2.6: the codec, and for AAC the start of the AudioSpecificConfig. */
function decoderConfig(esds: Buffer): Buffer {
  let at = 4;
  const enter = (tag: number): number => {
    if (esds[at++] !== tag) throw new BrokenMp4('its sound is described in another way');
    let bytes = 0;
    for (let more = true; more; at++) {
      more = (esds.readUInt8(at) & 0x80) !== 0;
      bytes = bytes * 128 + (esds.readUInt8(at) & 0x7f);
    }
    return bytes;
  };
  enter(TAGS.stream);
  // No stream that it depends on, no address, no clock of another: what we meet has none of these.
  if ((esds.readUInt8(at + 2) & 0xe0) !== 0) throw new BrokenMp4('its sound depends on another stream');
  at += 3;
  enter(TAGS.decoder);
  const codec = esds.subarray(at, at + 1);
  at += 13;
  if (esds[at] !== TAGS.specific) return codec;
  const bytes = enter(TAGS.specific);
  if (at + bytes > esds.length) throw new BrokenMp4('its sound is not described');
  return Buffer.concat([codec, esds.subarray(at, at + Math.min(bytes, TELLING_BYTES))]);
}
