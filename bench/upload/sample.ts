import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const BLOCK_BYTES = 8 << 20;
/** An MP4 by its first bytes; what follows is noise, which nobody looks into here. */
const FTYP = Buffer.from('000000206674797069736f6d0000020069736f6d69736f32617663316d703431', 'hex');

export interface Sample {
  whole: string;
  /** The same bytes in pieces, for clients that send one at a time. */
  pieces: { path: string; bytes: number }[];
  bytes: number;
  sha256: string;
}

export function writeSample(folder: string, bytes: number, pieceBytes: number): Sample {
  const whole = join(folder, 'whole.mp4');
  const pieces: Sample['pieces'] = [];
  const hash = createHash('sha256');
  const file = openSync(whole, 'w');
  let piece: number | undefined;
  for (let at = 0; at < bytes;) {
    const last = pieces.at(-1);
    if (!last || last.bytes === pieceBytes) {
      if (piece !== undefined) closeSync(piece);
      pieces.push({ path: join(folder, `piece-${pieces.length}`), bytes: 0 });
      piece = openSync(pieces.at(-1)!.path, 'w');
    }
    const current = pieces.at(-1)!;
    const block = randomBytes(Math.min(BLOCK_BYTES, bytes - at, pieceBytes - current.bytes));
    if (at === 0) FTYP.copy(block);
    hash.update(block);
    writeSync(file, block);
    writeSync(piece!, block);
    current.bytes += block.length;
    at += block.length;
  }
  closeSync(file);
  if (piece !== undefined) closeSync(piece);
  return { whole, pieces, bytes, sha256: hash.digest('hex') };
}
