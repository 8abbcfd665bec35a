import { type FileHandle, open } from 'node:fs/promises';
import { AppError } from '@mediakiln/contracts';
import type { FragmentedFile } from '@mediakiln/operations';

interface Track {
  id: number;
  /** Ticks per second. */
  timescale: number;
}

/** Far more than what describes the two tracks of a file of ours, or one of its fragments. */
const MAX_HEADER_BYTES = 16 << 20;

interface Box {
  type: string;
  start: number;
  bytes: number;
}

/** Where the fragments of an MP4 of our own making lie, by ISO/IEC 14496-12. @throws AppError output_not_verified */
export async function readFragments(path: string): Promise<FragmentedFile> {
  const file = await open(path);
  try {
    const boxes = await topLevel(file, (await file.stat()).size);
    const moov = boxes.find(({ type }) => type === 'moov');
    const moofs = boxes.filter(({ type }) => type === 'moof');
    if (!moov || moofs.length === 0) throw broken('it holds no fragment');
    const header = await contentOf(file, moov);
    const video = videoTrack(header);
    const spans = await Promise.all(moofs.map(async (moof) => spanOf(await contentOf(file, moof), video)));
    return {
      codecs: codecsOf(header),
      init_bytes: moofs[0]!.start,
      fragments: moofs.map(({ start }, index) => ({
        offset: start,
        bytes: (moofs[index + 1]?.start ?? lastEnd(boxes)) - start,
        ...spans[index]!,
      })),
    };
  } finally {
    await file.close();
  }
}

/** Without the index behind the last fragment, which players of playlists have no use for. */
const lastEnd = (boxes: readonly Box[]): number => {
  const last = boxes.findLast(({ type }) => type === 'mdat')!;
  return last.start + last.bytes;
};

async function topLevel(file: FileHandle, fileBytes: number): Promise<Box[]> {
  const found: Box[] = [];
  const head = Buffer.alloc(16);
  for (let start = 0; start < fileBytes;) {
    const { bytesRead } = await file.read(head, 0, head.length, start);
    const box = boxAt(head.subarray(0, bytesRead), 0);
    if (box.bytes < 8 || start + box.bytes > fileBytes) throw broken(`its box at ${start} is cut off`);
    found.push({ ...box, start });
    start += box.bytes;
  }
  return found;
}

async function contentOf(file: FileHandle, { type, start, bytes }: Box): Promise<Buffer> {
  if (bytes > MAX_HEADER_BYTES) throw broken(`its ${type} has ${bytes} bytes`);
  const content = Buffer.alloc(bytes);
  await file.read(content, 0, bytes, start);
  return content.subarray(8);
}

function boxAt(data: Buffer, at: number): Omit<Box, 'start'> {
  if (at + 8 > data.length) throw broken('a box is cut off');
  const [short, type] = [data.readUInt32BE(at), data.toString('latin1', at + 4, at + 8)];
  if (short !== 1) return { type, bytes: short };
  return { type, bytes: at + 16 <= data.length ? Number(data.readBigUInt64BE(at + 8)) : 0 };
}

/** The contents of the boxes of a type along a path, such as `trak`, `mdia`. */
function inside(data: Buffer, ...[wanted, ...rest]: string[]): Buffer[] {
  if (wanted === undefined) return [data];
  const found: Buffer[] = [];
  for (let at = 0; at + 8 <= data.length;) {
    const { type, bytes } = boxAt(data, at);
    if (bytes < 8 || at + bytes > data.length) throw broken(`its ${type} is cut off`);
    if (type === wanted) found.push(...inside(data.subarray(at + 8, at + bytes), ...rest));
    at += bytes;
  }
  return found;
}

function only(data: Buffer, ...path: string[]): Buffer {
  const [found] = inside(data, ...path);
  if (!found) throw broken(`it has no ${path.join('/')}`);
  return found;
}

function videoTrack(moov: Buffer): Track {
  const track = inside(moov, 'trak').find(
    (trak) => only(trak, 'mdia', 'hdlr').toString('latin1', 8, 12) === 'vide',
  );
  if (!track) throw broken('it has no picture');
  // Version 1 of both boxes has two times of 64 bits in front.
  const [tkhd, mdhd] = [only(track, 'tkhd'), only(track, 'mdia', 'mdhd')];
  return {
    id: tkhd.readUInt32BE(tkhd[0] === 1 ? 20 : 12),
    timescale: mdhd.readUInt32BE(mdhd[0] === 1 ? 20 : 12),
  };
}

/** When the first sample of the track is decoded (`tfdt`), and how long all of them last. */
function spanOf(moof: Buffer, { id, timescale }: Track): { start_seconds: number; seconds: number } {
  const traf = inside(moof, 'traf').find((one) => only(one, 'tfhd').readUInt32BE(4) === id);
  if (!traf) throw broken('a fragment has no picture');
  const tfdt = only(traf, 'tfdt');
  const start = tfdt[0] === 1 ? Number(tfdt.readBigUInt64BE(4)) : tfdt.readUInt32BE(4);
  const usual = usualDuration(only(traf, 'tfhd'));
  const ticks = inside(traf, 'trun').reduce((sum, trun) => sum + durationOf(trun, usual), 0);
  if (ticks === 0) throw broken('a fragment lasts no time');
  return { start_seconds: start / timescale, seconds: ticks / timescale };
}

/** Bits of `tfhd` and `trun` that tell which fields are there, in this order. */
const TFHD = { base: 0x1, description: 0x2, duration: 0x8 };
const TRUN = { offset: 0x1, firstFlags: 0x4, duration: 0x100, each: [0x100, 0x200, 0x400, 0x800] };

function usualDuration(tfhd: Buffer): number {
  const flags = tfhd.readUInt32BE(0);
  const at = 8 + (flags & TFHD.base ? 8 : 0) + (flags & TFHD.description ? 4 : 0);
  return flags & TFHD.duration ? tfhd.readUInt32BE(at) : 0;
}

function durationOf(trun: Buffer, usual: number): number {
  const flags = trun.readUInt32BE(0);
  const count = trun.readUInt32BE(4);
  if (!(flags & TRUN.duration)) return count * usual;
  const start = 8 + (flags & TRUN.offset ? 4 : 0) + (flags & TRUN.firstFlags ? 4 : 0);
  const step = 4 * TRUN.each.filter((bit) => flags & bit).length;
  return Array.from({ length: count }, (_, index) => trun.readUInt32BE(start + index * step)).reduce(
    (sum, one) => sum + one,
    0,
  );
}

/** As playlists name them (RFC 6381): the profile and level of H.264 out of `avcC`, and AAC-LC. */
function codecsOf(moov: Buffer): string {
  const at = moov.indexOf('avcC', 0, 'latin1');
  if (at < 0) throw broken('its picture is no H.264');
  const hasSound = inside(moov, 'trak').some(
    (trak) => only(trak, 'mdia', 'hdlr').toString('latin1', 8, 12) === 'soun',
  );
  return `avc1.${moov.toString('hex', at + 5, at + 8)}${hasSound ? ',mp4a.40.2' : ''}`;
}

const broken = (what: string): AppError =>
  new AppError('output_not_verified', `A rendition cannot be listed: ${what}`);
