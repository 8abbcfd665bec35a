import { crc32 } from 'node:zlib';
import type { ImageProbe } from '@mediakiln/contracts';
import type { Metadata } from 'sharp';
import { stripGif } from './strip-gif';

/** What sharp found in the file besides the picture. */
export type FoundMetadata = Pick<Metadata, 'exif' | 'xmp' | 'iptc' | 'comments' | 'orientation'>;

function hasMetadata(found: FoundMetadata): boolean {
  return Boolean(found.exif ?? found.xmp ?? found.iptc ?? found.comments?.length);
}

/**
 * The same picture, bit for bit, without EXIF, XMP, IPTC and comments. Orientation and colour profile stay.
 * @returns undefined where the file is not laid out as expected; the caller then falls back to re-encoding.
 */
export function stripMetadata(
  bytes: Buffer,
  format: ImageProbe['format'],
  found: FoundMetadata,
): Buffer | undefined {
  // sharp does not tell of comments in a GIF.
  if (!hasMetadata(found) && format !== 'gif') return bytes;
  return STRIP[format](bytes, found);
}

const STRIP: Record<ImageProbe['format'], (bytes: Buffer, found: FoundMetadata) => Buffer | undefined> = {
  jpeg: stripJpeg,
  png: stripPng,
  webp: stripWebp,
  gif: stripGif,
  avif: blankAvif,
};

const JPEG = { SOI: 0xd8, EOI: 0xd9, SOS: 0xda, COM: 0xfe, APP0: 0xe0, ICC: 0xe2, ADOBE: 0xee, APP15: 0xef };

/** JFIF, the ICC profile and Adobe's colour transform are application segments that the colours depend on. */
function isPictureSegment(marker: number, body: Buffer): boolean {
  if (marker === JPEG.ICC) return body.toString('latin1', 0, 12) === 'ICC_PROFILE\0';
  if (marker === JPEG.APP0 || marker === JPEG.ADOBE) return true;
  return marker !== JPEG.COM && !(marker > JPEG.APP0 && marker <= JPEG.APP15);
}

/** Ends at the end marker: what a camera appends after it may hold metadata of its own. */
function stripJpeg(bytes: Buffer, { orientation = 1 }: FoundMetadata): Buffer | undefined {
  const kept = [bytes.subarray(0, 2)];
  if (orientation !== 1) kept.push(orientationSegment(orientation));
  for (let at = 2; at + 2 <= bytes.length;) {
    const marker = bytes[at + 1]!;
    if (bytes[at] !== 0xff) return undefined;
    if (marker === JPEG.EOI) return Buffer.concat([...kept, bytes.subarray(at, at + 2)]);
    if (marker === 0xff) {
      at += 1; // padding before a marker
      continue;
    }
    if (at + 4 > bytes.length) return undefined;
    const bodyEnd = at + 2 + bytes.readUInt16BE(at + 2);
    const end = marker === JPEG.SOS ? endOfScan(bytes, bodyEnd) : bodyEnd;
    if (end > bytes.length) return undefined;
    if (isPictureSegment(marker, bytes.subarray(at + 4, bodyEnd))) kept.push(bytes.subarray(at, end));
    at = end;
  }
  return undefined;
}

/** In coded data 0xff is followed by 0 or by a restart marker; anything else is the next segment. */
function endOfScan(bytes: Buffer, start: number): number {
  for (let at = bytes.indexOf(0xff, start); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1] ?? 0;
    if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return Number.MAX_SAFE_INTEGER;
}

/** An APP1 segment of EXIF that holds the orientation alone. */
function orientationSegment(orientation: number): Buffer {
  return Buffer.concat([Buffer.from('ffe10022' + '457869660000', 'hex'), orientationExif(orientation)]);
}

/** 26 bytes: a TIFF header and a directory of one entry, the orientation (Exif 2.32, tag 0x0112). */
function orientationExif(orientation: number): Buffer {
  const exif = Buffer.from('4d4d002a00000008' + '0001' + '011200030000000100000000' + '00000000', 'hex');
  exif.writeUInt16BE(orientation, 18);
  return exif;
}

const PNG_METADATA = ['eXIf', 'tEXt', 'zTXt', 'iTXt', 'tIME'];

function stripPng(bytes: Buffer, { orientation = 1 }: FoundMetadata): Buffer | undefined {
  const kept = [bytes.subarray(0, 8)];
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 12 + bytes.readUInt32BE(at);
    if (end > bytes.length) return undefined;
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (!PNG_METADATA.includes(type)) kept.push(bytes.subarray(at, end));
    // Readers that turn a picture while they decode it look for the orientation before the pixels.
    if (type === 'IHDR' && orientation !== 1) kept.push(pngChunk('eXIf', orientationExif(orientation)));
    if (type === 'IEND') return Buffer.concat(kept);
    at = end;
  }
  return undefined;
}

/** Length of the data, type, data, and a checksum of the last two (PNG 3rd edition, 5.3). */
function pngChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, 'latin1');
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), 8 + data.length);
  return chunk;
}

const WEBP_EXIF_FLAG = 0x08;
const WEBP_XMP_FLAG = 0x04;

function stripWebp(bytes: Buffer, { orientation = 1 }: FoundMetadata): Buffer | undefined {
  const riffEnd = 8 + bytes.readUInt32LE(4);
  if (riffEnd > bytes.length) return undefined;
  const isTurned = orientation !== 1;
  const kept: Buffer[] = [];
  for (let at = 12; at + 8 <= riffEnd;) {
    const size = bytes.readUInt32LE(at + 4);
    const end = at + 8 + size + (size % 2);
    if (end > riffEnd) return undefined;
    const type = bytes.toString('latin1', at, at + 4);
    const chunk = bytes.subarray(at, end);
    if (type === 'VP8X') kept.push(withMetadataFlags(chunk, isTurned ? WEBP_EXIF_FLAG : 0));
    else if (type !== 'EXIF' && type !== 'XMP ') kept.push(chunk);
    at = end;
  }
  // EXIF stands behind the picture.
  if (isTurned) kept.push(webpChunk('EXIF', orientationExif(orientation)));
  const body = Buffer.concat(kept);
  const header = Buffer.from(bytes.subarray(0, 12));
  header.writeUInt32LE(4 + body.length, 4);
  return Buffer.concat([header, body]);
}

/** @param flags of the metadata that the file is left with. */
function withMetadataFlags(chunk: Buffer, flags: number): Buffer {
  const copy = Buffer.from(chunk);
  copy[8] = (copy[8]! & ~(WEBP_EXIF_FLAG | WEBP_XMP_FLAG)) | flags;
  return copy;
}

/** @param data of an even length: nothing is padded. */
function webpChunk(type: string, data: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.write(type, 'latin1');
  header.writeUInt32LE(data.length, 4);
  return Buffer.concat([header, data]);
}

const TIFF_HEADER_BYTES = 8;

/**
 * The offsets of an AVIF are spread over its boxes, so nothing is cut out: EXIF and XMP are blanked where they stand.
 * Its orientation is no matter of EXIF.
 */
function blankAvif(bytes: Buffer, { exif, xmp }: FoundMetadata): Buffer | undefined {
  const copy = Buffer.from(bytes);
  // libvips puts `Exif\0\0` before the TIFF data, which the file need not have. The TIFF header stays, of no entries.
  const tiff = exif?.toString('latin1', 0, 6) === 'Exif\0\0' ? exif.subarray(6) : exif;
  const isGone = [tiff?.subarray(TIFF_HEADER_BYTES), xmp].every((block) => blank(copy, block));
  return isGone ? copy : undefined;
}

function blank(bytes: Buffer, block: Buffer | undefined): boolean {
  if (!block) return true;
  const at = bytes.indexOf(block);
  if (at !== -1) bytes.fill(0, at, at + block.length);
  return at !== -1;
}
