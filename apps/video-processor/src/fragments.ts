import { type FileHandle, open } from 'node:fs/promises';
import { AppError } from '@mediakiln/contracts';
import type { FragmentedFile } from '@mediakiln/operations';
import { type Box, BrokenMp4, contentOf, inside, only, topLevel } from './mp4/boxes';

interface Track {
  id: number;
  /** Ticks per second. */
  timescale: number;
}

/** Where the fragments of an MP4 of our own making lie, by ISO/IEC 14496-12. @throws AppError output_not_verified */
export async function readFragments(path: string): Promise<FragmentedFile> {
  const file = await open(path);
  try {
    return await fragmentsOf(file);
  } catch (error) {
    if (!(error instanceof BrokenMp4 || error instanceof RangeError)) throw error;
    throw new AppError('output_not_verified', `A rendition cannot be listed: ${error.message}`, {
      cause: error,
    });
  } finally {
    await file.close();
  }
}

async function fragmentsOf(file: FileHandle): Promise<FragmentedFile> {
  const boxes: Box[] = [];
  for await (const box of topLevel(file, (await file.stat()).size)) boxes.push(box);
  const moov = boxes.find(({ type }) => type === 'moov');
  const moofs = boxes.filter(({ type }) => type === 'moof');
  if (!moov || moofs.length === 0) throw new BrokenMp4('it holds no fragment');
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
}

/** Without the index behind the last fragment, which players of playlists have no use for. */
const lastEnd = (boxes: readonly Box[]): number => {
  const last = boxes.findLast(({ type }) => type === 'mdat')!;
  return last.start + last.bytes;
};

function videoTrack(moov: Buffer): Track {
  const track = inside(moov, 'trak').find(
    (trak) => only(trak, 'mdia', 'hdlr').toString('latin1', 8, 12) === 'vide',
  );
  if (!track) throw new BrokenMp4('it has no picture');
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
  if (!traf) throw new BrokenMp4('a fragment has no picture');
  const tfdt = only(traf, 'tfdt');
  const start = tfdt[0] === 1 ? Number(tfdt.readBigUInt64BE(4)) : tfdt.readUInt32BE(4);
  const usual = usualDuration(only(traf, 'tfhd'));
  const ticks = inside(traf, 'trun').reduce((sum, trun) => sum + durationOf(trun, usual), 0);
  if (ticks === 0) throw new BrokenMp4('a fragment lasts no time');
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
  if (at < 0) throw new BrokenMp4('its picture is no H.264');
  const hasSound = inside(moov, 'trak').some(
    (trak) => only(trak, 'mdia', 'hdlr').toString('latin1', 8, 12) === 'soun',
  );
  return `avc1.${moov.toString('hex', at + 5, at + 8)}${hasSound ? ',mp4a.40.2' : ''}`;
}
