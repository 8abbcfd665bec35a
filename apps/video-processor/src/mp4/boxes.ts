import { type FileHandle } from 'node:fs/promises';

/** A box of an MP4 by ISO/IEC 14496-12: what it is, where it starts, how long it is with its header. */
export interface Box {
  type: string;
  start: number;
  bytes: number;
}

/** The index of a file, or one of its boxes, contradicts itself. */
export class BrokenMp4 extends Error {}

/** Far more than what describes two million samples. */
const MAX_CONTENT_BYTES = 64 << 20;
/** Each costs a read or an object: far more than hours of fragments have. */
const MAX_BOXES = 100_000;
/** Far more tracks, or tables of one, than are taken. */
const MAX_INNER_BOXES = 1_000;
const SHORT_HEADER_BYTES = 8;
const LONG_HEADER_BYTES = 16;

/** The boxes that a file consists of, as far as they are asked for. @throws BrokenMp4 */
export async function* topLevel(file: FileHandle, fileBytes: number): AsyncGenerator<Box> {
  const head = Buffer.alloc(LONG_HEADER_BYTES);
  let count = 0;
  for (let start = 0; start < fileBytes;) {
    if (++count > MAX_BOXES) throw new BrokenMp4(`it has more than ${MAX_BOXES} boxes`);
    const { bytesRead } = await file.read(head, 0, head.length, start);
    const { type, bytes: stated } = boxAt(head.subarray(0, bytesRead), 0);
    // 0: to the end of the file.
    const bytes = stated === 0 ? fileBytes - start : stated;
    if (bytes < SHORT_HEADER_BYTES || start + bytes > fileBytes)
      throw new BrokenMp4(`its box at ${start} is cut off`);
    yield { type, start, bytes };
    start += bytes;
  }
}

/** What is in a box of a file, without its header. @throws BrokenMp4 */
export async function contentOf(file: FileHandle, { type, start, bytes }: Box): Promise<Buffer> {
  if (bytes > MAX_CONTENT_BYTES) throw new BrokenMp4(`its ${type} has ${bytes} bytes`);
  const content = Buffer.alloc(bytes);
  const { bytesRead } = await file.read(content, 0, bytes, start);
  if (bytesRead !== bytes) throw new BrokenMp4(`its ${type} is cut off`);
  return content.subarray(content.readUInt32BE(0) === 1 ? LONG_HEADER_BYTES : SHORT_HEADER_BYTES);
}

/** The boxes that data consists of: type and content. @throws BrokenMp4 */
export function* boxesIn(data: Buffer): Generator<{ type: string; content: Buffer }> {
  let count = 0;
  for (let at = 0; at + SHORT_HEADER_BYTES <= data.length;) {
    const { type, bytes, headerBytes } = boxAt(data, at);
    if (bytes < headerBytes || at + bytes > data.length) throw new BrokenMp4(`its ${type} is cut off`);
    if (++count > MAX_INNER_BOXES) throw new BrokenMp4(`a box of it holds more than ${MAX_INNER_BOXES}`);
    yield { type, content: data.subarray(at + headerBytes, at + bytes) };
    at += bytes;
  }
}

/** The contents of the boxes of a type along a path, such as `trak`, `mdia`. @throws BrokenMp4 */
export function inside(data: Buffer, ...[wanted, ...rest]: string[]): Buffer[] {
  if (wanted === undefined) return [data];
  const found: Buffer[] = [];
  for (const { type, content } of boxesIn(data)) if (type === wanted) found.push(...inside(content, ...rest));
  return found;
}

/** The first of them. @throws BrokenMp4 when there is none */
export function only(data: Buffer, ...path: string[]): Buffer {
  const [found] = inside(data, ...path);
  if (!found) throw new BrokenMp4(`it has no ${path.join('/')}`);
  return found;
}

function boxAt(data: Buffer, at: number): { type: string; bytes: number; headerBytes: number } {
  if (at + SHORT_HEADER_BYTES > data.length) throw new BrokenMp4('a box is cut off');
  const [short, type] = [data.readUInt32BE(at), data.toString('latin1', at + 4, at + 8)];
  if (short !== 1) return { type, bytes: short, headerBytes: SHORT_HEADER_BYTES };
  if (at + LONG_HEADER_BYTES > data.length) throw new BrokenMp4('a box is cut off');
  return { type, bytes: Number(data.readBigUInt64BE(at + 8)), headerBytes: LONG_HEADER_BYTES };
}

type Part = Buffer | readonly number[];

/** A box around parts; numbers are written as 32 bits each. */
export function box(type: string, ...parts: readonly Part[]): Buffer {
  const content = parts.map((part) => (Buffer.isBuffer(part) ? part : words(part)));
  const head = Buffer.alloc(SHORT_HEADER_BYTES);
  head.writeUInt32BE(SHORT_HEADER_BYTES + content.reduce((sum, part) => sum + part.length, 0), 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, ...content]);
}

/** The same with a version of 0 and 24 flags in front. */
export const fullBox = (type: string, flags: number, ...parts: readonly Part[]): Buffer =>
  box(type, [flags], ...parts);

/** Big-endian, 32 bits each; negative ones as two's complement. @throws BrokenMp4 for what has no place in them */
export function words(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => {
    if (!(value >= -(2 ** 31) && value < 2 ** 32)) throw new BrokenMp4(`${value} does not fit into 32 bits`);
    bytes.writeUInt32BE(value >>> 0, index * 4);
  });
  return bytes;
}
