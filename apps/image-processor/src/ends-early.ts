import { type FileHandle, open } from 'node:fs/promises';
import type { ImageProbe } from '@mediakiln/contracts';

const JPEG_SCAN = 'ffda';
const JPEG_END = 'ffd9';
const PNG_END = '49454e44';
const GIF_END = '3b';
/** Cameras append padding and previews after the end marker; so much of the end is searched for it. */
const TAIL_BYTES = 64 * 1024;
const MAX_BOXES = 100;

/**
 * Whether a file lacks its format's end: what tells a broken-off transfer from damage, once the decoder has failed.
 * The decoders' own words do not, and change with their versions.
 */
export async function endsEarly(path: string, format: ImageProbe['format']): Promise<boolean> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    return await ENDS_EARLY[format](file, size);
  } finally {
    await file.close();
  }
}

const ENDS_EARLY: Record<ImageProbe['format'], (file: FileHandle, size: number) => Promise<boolean>> = {
  jpeg: async (file, size) => {
    const bytes = await tail(file, size);
    // A preview inside the header ends too, but before the picture's own scan starts.
    const scan = Math.max(0, bytes.lastIndexOf(Buffer.from(JPEG_SCAN, 'hex')));
    return !bytes.includes(Buffer.from(JPEG_END, 'hex'), scan);
  },
  png: async (file, size) => !(await tail(file, size)).includes(Buffer.from(PNG_END, 'hex')),
  gif: async (file, size) => (await tail(file, size, 1)).toString('hex') !== GIF_END,
  webp: async (file, size) => {
    const riff = await read(file, 4, 4);
    return riff.length < 4 || riff.readUInt32LE(0) + 8 > size;
  },
  avif: async (file, size) => {
    let at = 0;
    for (let boxes = 0; at < size && boxes < MAX_BOXES; boxes++) {
      const bytes = await boxBytes(file, at);
      if (bytes === 'to the end') return false;
      if (bytes < 8) return false; // not a box: damage, not an early end
      at += bytes;
    }
    return at > size;
  },
};

/** Size of the ISO base media box at `at`, header included. */
async function boxBytes(file: FileHandle, at: number): Promise<number | 'to the end'> {
  const header = await read(file, at, 16);
  if (header.length < 8) return Number.MAX_SAFE_INTEGER;
  const short = header.readUInt32BE(0);
  if (short === 0) return 'to the end';
  if (short > 1) return short;
  return header.length < 16 ? Number.MAX_SAFE_INTEGER : Number(header.readBigUInt64BE(8));
}

const tail = (file: FileHandle, size: number, bytes = TAIL_BYTES): Promise<Buffer> =>
  read(file, Math.max(0, size - bytes), Math.min(size, bytes));

async function read(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, at);
  return buffer.subarray(0, bytesRead);
}
