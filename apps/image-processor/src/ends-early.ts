import { type FileHandle, open } from 'node:fs/promises';
import type { ImageProbe } from '@mediakiln/contracts';
import type { ImageFile } from './engine';

const JPEG_SCAN = 'ffda';
const JPEG_END = 'ffd9';
const PNG_END = '49454e44';
const GIF_END = '3b';
/** Cameras append padding and previews after the end marker; so much of the end is searched for it. */
const TAIL_BYTES = 64 * 1024;
const MAX_BOXES = 100;

/** So many bytes from there; fewer where the file ends before. */
type Read = (at: number, bytes: number) => Promise<Buffer>;

/**
 * Whether a file lacks its format's end: what tells a broken-off transfer from damage, once the decoder has failed.
 * The decoders' own words do not, and change with their versions.
 */
export async function endsEarly(image: ImageFile, format: ImageProbe['format']): Promise<boolean> {
  if (Buffer.isBuffer(image)) return ENDS_EARLY[format](partsOf(image), image.length);
  const file = await open(image);
  try {
    const { size } = await file.stat();
    return await ENDS_EARLY[format](partsOfFile(file), size);
  } finally {
    await file.close();
  }
}

const ENDS_EARLY: Record<ImageProbe['format'], (read: Read, size: number) => Promise<boolean>> = {
  jpeg: async (read, size) => {
    const bytes = await tail(read, size);
    // A preview inside the header ends too, but before the picture's own scan starts.
    const scan = Math.max(0, bytes.lastIndexOf(Buffer.from(JPEG_SCAN, 'hex')));
    return !bytes.includes(Buffer.from(JPEG_END, 'hex'), scan);
  },
  png: async (read, size) => !(await tail(read, size)).includes(Buffer.from(PNG_END, 'hex')),
  gif: async (read, size) => (await tail(read, size, 1)).toString('hex') !== GIF_END,
  webp: async (read, size) => {
    const riff = await read(4, 4);
    return riff.length < 4 || riff.readUInt32LE(0) + 8 > size;
  },
  avif: async (read, size) => {
    let at = 0;
    for (let boxes = 0; at < size && boxes < MAX_BOXES; boxes++) {
      const bytes = await boxBytes(read, at);
      if (bytes === 'to the end') return false;
      if (bytes < 8) return false; // not a box: damage, not an early end
      at += bytes;
    }
    return at > size;
  },
};

/** Size of the ISO base media box at `at`, header included. */
async function boxBytes(read: Read, at: number): Promise<number | 'to the end'> {
  const header = await read(at, 16);
  if (header.length < 8) return Number.MAX_SAFE_INTEGER;
  const short = header.readUInt32BE(0);
  if (short === 0) return 'to the end';
  if (short > 1) return short;
  return header.length < 16 ? Number.MAX_SAFE_INTEGER : Number(header.readBigUInt64BE(8));
}

const tail = (read: Read, size: number, bytes = TAIL_BYTES): Promise<Buffer> =>
  read(Math.max(0, size - bytes), Math.min(size, bytes));

const partsOf =
  (image: Buffer): Read =>
  (at, bytes) =>
    Promise.resolve(image.subarray(at, at + bytes));

const partsOfFile =
  (file: FileHandle): Read =>
  async (at, bytes) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, at);
    return buffer.subarray(0, bytesRead);
  };
