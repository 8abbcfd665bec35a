import { AppError } from './app-error';
import type { MediaKind } from './media-kind';

/** How many leading bytes `sniff` wants to see. */
export const SNIFF_BYTES = 4096;

/** What the leading bytes say. `container` is an image format, or the demuxer that ffmpeg is held to. */
export interface Sniffed {
  kind: MediaKind;
  mime_type: string;
  container: 'jpeg' | 'png' | 'webp' | 'gif' | 'avif' | 'mov' | 'matroska' | 'avi' | 'mpegts' | 'flv' | 'ogg';
}

/** The detail about content of which nothing better can be said. */
export const UNKNOWN_CONTENT =
  'The content is none of: JPEG, PNG, WebP, GIF, AVIF, MP4, MOV, WebM, Matroska, AVI, MPEG-TS, FLV, Ogg';

const image = (container: Sniffed['container']): Sniffed => ({
  kind: 'image',
  mime_type: `image/${container}`,
  container,
});
const video = (container: Sniffed['container'], mime_type: string): Sniffed => ({
  kind: 'video',
  mime_type,
  container,
});

const MPEGTS_PACKET_BYTES = 188;
const HEIC_BRANDS = ['heic', 'heix', 'hevc', 'hevx', 'heim', 'heis', 'mif1', 'msf1'];
const PLAYLISTS = ['ffconcat version', '#EXTM3U', '<MPD', '<?xml version="1.0" encoding="UTF-8"?><MPD'];

/**
 * Tells what a file is from its first bytes, never from its name or the client's word.
 * @throws AppError unsupported_container for playlists, empty_file, unsupported_media_type for the rest, with a hint.
 */
export function sniff(head: Buffer): Sniffed {
  if (head.length === 0) throw new AppError('empty_file', 'The file has 0 bytes');
  const ascii = head.toString('latin1');
  if (head.length >= 3 && head.readUIntBE(0, 3) === 0xffd8ff) return image('jpeg');
  if (ascii.startsWith('\x89PNG\r\n\x1a\n')) return image('png');
  if (ascii.startsWith('GIF87a') || ascii.startsWith('GIF89a')) return image('gif');
  if (ascii.startsWith('RIFF') && ascii.slice(8, 12) === 'WEBP') return image('webp');
  if (ascii.startsWith('RIFF') && ascii.slice(8, 12) === 'AVI ') return video('avi', 'video/x-msvideo');
  if (head.length >= 4 && head.readUInt32BE(0) === 0x1a45dfa3)
    return video('matroska', ascii.includes('webm') ? 'video/webm' : 'video/x-matroska');
  if (ascii.startsWith('FLV\x01')) return video('flv', 'video/x-flv');
  if (ascii.startsWith('OggS')) return video('ogg', 'video/ogg');
  if (['ftyp', 'moov', 'mdat', 'wide', 'free', 'skip'].includes(ascii.slice(4, 8)))
    return sniffIsoMedia(ascii);
  if (isTransportStream(head)) return video('mpegts', 'video/mp2t');
  return refuse(ascii);
}

function sniffIsoMedia(ascii: string): Sniffed {
  if (ascii.slice(4, 8) !== 'ftyp') return video('mov', 'video/quicktime');
  const boxEnd = Math.min(Buffer.from(ascii.slice(0, 4), 'latin1').readUInt32BE(0), 256);
  const major = ascii.slice(8, 12);
  const brands = [major, ...(ascii.slice(16, Math.max(16, boxEnd)).match(/.{4}/gs) ?? [])];
  if (brands.includes('avif') || brands.includes('avis')) return image('avif');
  if (HEIC_BRANDS.includes(major))
    throw new AppError(
      'unsupported_media_type',
      'HEIC images are not taken: export the picture as JPEG, PNG, WebP or AVIF',
    );
  return video('mov', major === 'qt  ' ? 'video/quicktime' : 'video/mp4');
}

function isTransportStream(head: Buffer): boolean {
  return (
    head.length > 2 * MPEGTS_PACKET_BYTES &&
    [0, 1, 2].every((packet) => head[packet * MPEGTS_PACKET_BYTES] === 0x47)
  );
}

function refuse(ascii: string): never {
  const text = ascii.replace(/^\u00ef\u00bb\u00bf/, '').trimStart();
  if (PLAYLISTS.some((start) => text.startsWith(start)))
    throw new AppError(
      'unsupported_container',
      'This is a playlist that points at other files: upload the media itself',
    );
  if (/^(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/is.test(text))
    throw new AppError('unsupported_media_type', 'SVG is not taken: export it as PNG or WebP');
  throw new AppError('unsupported_media_type', UNKNOWN_CONTENT);
}
