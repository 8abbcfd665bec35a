import { type FileHandle, open } from 'node:fs/promises';
import { onDisk } from '@mediakiln/storage';
import { type Chunk, FILE_TYPE, movieIndex } from './index-boxes';
import type { MadeTrack } from './made-track';

/** Picture and sound alternate in the file this often. */
const SLOT_SECONDS = 0.5;
/** Sources are read so much at a time, whichever track it is for. */
const BLOCK_BYTES = 1 << 20;
const BLOCKS_KEPT = 8;
const WRITE_BYTES = 4 << 20;
/** `mdat` with its length in 64 bits. */
const DATA_HEADER_BYTES = 16;
/** `writev` takes 1,024 pieces. */
const MOST_PIECES = 1_000;

export interface MovieOrder {
  /** The picture first; its clock is that of the movie. */
  tracks: readonly MadeTrack[];
  rotationDegrees: number;
  /** What `files` of the tracks count. */
  paths: readonly string[];
}

/** How many bytes it will have: `writeMovie` fails before it writes anything where the caller says so. */
export interface MovieWriting {
  signal: AbortSignal;
  /** Told how many bytes the file will have; what it throws ends the writing. */
  onSize: (bytes: number) => void;
}

/** Writes an MP4 with its index in front. */
export async function writeMovie(path: string, order: MovieOrder, writing: MovieWriting): Promise<void> {
  const slots = slotsOf(order.tracks);
  const sizes = slots.map(({ track, from, to }) => sum(order.tracks[track]!.sizes, from, to));
  const dataBytes = sizes.reduce((total, size) => total + size, 0);
  const indexFrom = (start: number): Buffer => {
    let offset = start;
    const chunks: Chunk[][] = order.tracks.map(() => []);
    slots.forEach(({ track, from, to }, at) => {
      chunks[track]!.push({ offset, samples: to - from });
      offset += sizes[at]!;
    });
    const tracks = order.tracks.map((track, at) => ({ track, chunks: chunks[at]! }));
    return movieIndex(tracks, order.rotationDegrees);
  };
  // The length of the index depends on how long offsets are, which depends on its length: a larger guess settles it.
  const guess = indexFrom(dataBytes < 2 ** 31 ? 0 : 2 ** 32).length;
  const index = indexFrom(FILE_TYPE.length + guess + DATA_HEADER_BYTES);
  const start = FILE_TYPE.length + index.length + DATA_HEADER_BYTES;
  const head = [FILE_TYPE, index.length === guess ? index : indexFrom(start), dataHeader(dataBytes)];
  writing.onSize(start + dataBytes);
  // A plan that failed may have left one there.
  const output = await onDisk(() => open(path, 'w', 0o640));
  const writer = new Writer(output, writing.signal);
  const sources = new Sources(order.paths, () => writer.flush());
  try {
    for (const part of head) await writer.add(part);
    for (const { track, from, to } of slots) await copy(order.tracks[track]!, { from, to }, sources, writer);
    await writer.flush();
  } finally {
    await Promise.all([output.close(), sources.close()]);
  }
}

interface Slot {
  track: number;
  from: number;
  to: number;
}

/** Samples of each track in turn, by when they are decoded. */
function slotsOf(tracks: readonly MadeTrack[]): Slot[] {
  const slots: Slot[] = [];
  const reached = tracks.map(() => 0);
  for (
    let end = SLOT_SECONDS;
    reached.some((at, track) => at < tracks[track]!.dts.length);
    end += SLOT_SECONDS
  ) {
    tracks.forEach(({ dts, timescale, edit }, track) => {
      const from = reached[track]!;
      let to = from;
      while (to < dts.length && (dts[to]! + edit.delay - edit.from) / timescale < end) to++;
      if (to > from) slots.push({ track, from, to });
      reached[track] = to;
    });
  }
  return slots;
}

function sum(values: Float64Array, from: number, to: number): number {
  let total = 0;
  for (let at = from; at < to; at++) total += values[at]!;
  return total;
}

function dataHeader(bytes: number): Buffer {
  const header = Buffer.alloc(DATA_HEADER_BYTES);
  header.writeUInt32BE(1, 0);
  header.write('mdat', 4, 'latin1');
  header.writeBigUInt64BE(BigInt(DATA_HEADER_BYTES + bytes), 8);
  return header;
}

/** Neighbours in a file are read as one. */
async function copy(
  { files, offsets, sizes }: MadeTrack,
  { from, to }: Omit<Slot, 'track'>,
  sources: Sources,
  writer: Writer,
): Promise<void> {
  for (let at = from; at < to;) {
    const [file, offset] = [files[at]!, offsets[at]!];
    let bytes = 0;
    while (at < to && files[at] === file && offsets[at] === offset + bytes) bytes += sizes[at++]!;
    for (let done = 0; done < bytes;) {
      const part = await sources.read(file, offset + done, bytes - done);
      await writer.add(part);
      done += part.length;
    }
  }
}

interface Block {
  file: number;
  number: number;
  bytes: Buffer;
}

/** The files that samples are taken from; what was read last is kept, since tracks lie among each other. */
class Sources {
  private readonly files = new Map<number, FileHandle>();
  private readonly memory = Array.from({ length: BLOCKS_KEPT }, () => Buffer.allocUnsafe(BLOCK_BYTES));
  private blocks: Block[] = [];

  /** @param beforeReuse must be done with all that was read. */
  constructor(
    private readonly paths: readonly string[],
    private readonly beforeReuse: () => Promise<void>,
  ) {}

  /** @returns at least one byte, and no more than a block. */
  async read(file: number, offset: number, bytes: number): Promise<Buffer> {
    const number = Math.floor(offset / BLOCK_BYTES);
    const isWanted = (block: Block): boolean => block.file === file && block.number === number;
    const block = this.blocks.find(isWanted) ?? (await this.load(file, number));
    const from = offset - number * BLOCK_BYTES;
    const part = block.bytes.subarray(from, from + bytes);
    if (part.length === 0) throw new Error(`source ${file} ends before ${offset}`);
    return part;
  }

  async close(): Promise<void> {
    await Promise.all([...this.files.values()].map((file) => file.close()));
  }

  private async load(file: number, number: number): Promise<Block> {
    if (this.blocks.length === BLOCKS_KEPT) {
      await this.beforeReuse();
      this.blocks = [];
    }
    let handle = this.files.get(file);
    if (!handle) this.files.set(file, (handle = await open(this.paths[file]!)));
    const memory = this.memory[this.blocks.length]!;
    const { bytesRead } = await handle.read(memory, 0, BLOCK_BYTES, number * BLOCK_BYTES);
    const block = { file, number, bytes: memory.subarray(0, bytesRead) };
    this.blocks.push(block);
    return block;
  }
}

class Writer {
  private parts: Buffer[] = [];
  private bytes = 0;

  constructor(
    private readonly file: FileHandle,
    private readonly signal: AbortSignal,
  ) {}

  async add(part: Buffer): Promise<void> {
    this.parts.push(part);
    this.bytes += part.length;
    if (this.bytes >= WRITE_BYTES || this.parts.length >= MOST_PIECES) await this.flush();
  }

  async flush(): Promise<void> {
    this.signal.throwIfAborted();
    let parts = this.parts;
    this.parts = [];
    this.bytes = 0;
    while (parts.length > 0) {
      const { bytesWritten } = await onDisk(() => this.file.writev(parts));
      parts = behind(parts, bytesWritten);
    }
  }
}

/** What a short write left. */
function behind(parts: readonly Buffer[], bytes: number): Buffer[] {
  let left = bytes;
  return parts.flatMap((part) => {
    const skipped = Math.min(left, part.length);
    left -= skipped;
    return skipped === part.length ? [] : [part.subarray(skipped)];
  });
}
