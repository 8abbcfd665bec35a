import { type FileHandle, open } from 'node:fs/promises';
import { BrokenMp4 } from './boxes';
import type { Track } from './movie';
import { pictureBoxes } from './sample-entries';

const TYPE_BITS = 0x1f;
/** Types of units of H.264 (ITU-T H.264, table 7-1): of a picture that nothing refers across, and of any picture. */
const IDR = 5;
const PICTURES = [1, 2, IDR];
/** Past so many keyframes that are none to join at, the rest are none either. */
const MOST_LOOKED_AT = 1_000;
/** Before the picture come parameter sets and messages, seldom more than a few. */
const MOST_UNITS = 64;

/**
 * The first of some samples that holds an IDR picture. Containers mark keyframes too, but open groups of pictures begin
 * with some that the frames behind them look across; only the type in the sample itself tells.
 * @returns null: none does
 */
export async function firstIdr(
  path: string,
  track: Track,
  indices: readonly number[],
  signal: AbortSignal,
): Promise<number | null> {
  const lengthBytes = unitLengthBytes(track.entry);
  const file = await open(path);
  try {
    for (const index of indices.slice(0, MOST_LOOKED_AT)) {
      signal.throwIfAborted();
      if (await isIdr(file, track, index, lengthBytes)) return index;
    }
    return null;
  } finally {
    await file.close();
  }
}

async function isIdr(
  file: FileHandle,
  { samples }: Track,
  index: number,
  lengthBytes: number,
): Promise<boolean> {
  const end = samples.offsets[index]! + samples.sizes[index]!;
  const head = Buffer.alloc(lengthBytes + 1);
  let at = samples.offsets[index]!;
  for (let units = 0; units < MOST_UNITS && at + head.length <= end; units++) {
    await file.read(head, 0, head.length, at);
    const type = head[lengthBytes]! & TYPE_BITS;
    if (PICTURES.includes(type)) return type === IDR;
    at += lengthBytes + head.readUIntBE(0, lengthBytes);
  }
  return false;
}

function unitLengthBytes(entry: Buffer): number {
  const { avcC } = pictureBoxes(entry, 'avcC');
  if (!avcC) throw new BrokenMp4('it has no parameter sets');
  return (avcC.readUInt8(4) & 3) + 1;
}
