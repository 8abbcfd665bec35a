import { AppError } from '@mediakiln/contracts';
import { MAX_IMAGE_PIXELS, MAX_PIXELS, MAX_STREAMS } from '@mediakiln/operations';

/** Demuxers that ffmpeg may open, by our sniff's names. Above all: none that opens files which a file names. */
const CONTAINERS = ['mov', 'matroska', 'avi', 'mpegts', 'flv', 'ogg', 'mp3', 'wav'];

const DECODERS = [
  ...['h264', 'hevc', 'vp8', 'vp9', 'av1', 'libdav1d', 'mpeg4', 'mpeg2video', 'mjpeg'],
  ...['aac', 'mp3', 'mp3float', 'opus', 'vorbis', 'flac', 'ac3', 'eac3', 'pcm_s16le'],
];
/** Of streams that we drop. ffprobe gives up on a file when it may not set up a decoder for each; it decodes none of these. */
const COVER_ART_DECODERS = ['png', 'bmp', 'gif'];
const SUBTITLE_DECODERS = [
  'mov_text',
  'subrip',
  'srt',
  'ass',
  'ssa',
  'webvtt',
  'text',
  'dvdsub',
  'dvbsub',
  'pgssub',
  'cc_dec',
];

const MAX_ALLOCATION_BYTES = 256 << 20;

/** A name that starts with `-` or holds a colon is no option and no protocol. */
export const fileUrl = (path: string): string => `file:${path}`;

/**
 * What stands before every input that a user gave, for ffmpeg and ffprobe alike. The protocol list alone does not stop
 * a playlist from naming local files; holding the demuxer to the sniffed container does.
 * @throws AppError unsupported_container
 */
export function strictInput(container: string): string[] {
  return isPicture(container)
    ? [...strictPicture(container), '-max_pixels', String(MAX_IMAGE_PIXELS)]
    : strictVideo(container);
}

function strictVideo(container: string): string[] {
  assertTaken(container);
  return demuxedBy(container, [container]);
}

/**
 * Before a list that we wrote. ffmpeg guesses what each entry is, and must be free to take the list itself for one: so an
 * entry that is a user's file must have been opened under `strictInput` before, where no list gets through.
 * @throws AppError unsupported_container
 */
export function strictList(containers: readonly string[]): string[] {
  containers.forEach(assertTaken);
  return [...demuxedBy('concat', ['concat', ...containers]), '-safe', '0'];
}

const demuxedBy = (demuxer: string, formats: readonly string[]): string[] => [
  ...['-max_alloc', String(MAX_ALLOCATION_BYTES), '-protocol_whitelist', 'file'],
  ...['-format_whitelist', formats.join(','), '-codec_whitelist', DECODERS.join(','), '-f', demuxer],
  ...['-max_streams', String(MAX_STREAMS), '-probesize', '20M', '-analyzeduration', '10M'],
  ...['-max_pixels', String(MAX_PIXELS)],
];

function assertTaken(container: string): void {
  if (!CONTAINERS.includes(container))
    throw new AppError('unsupported_container', `Video in ${container} is not taken`);
}

/** The same for ffprobe, of videos alone: it has to get past the streams that we drop to list them. */
export function strictProbe(container: string): string[] {
  return [
    ...strictVideo(container),
    ...['-codec_whitelist:v', [...DECODERS, ...COVER_ART_DECODERS].join(',')],
    ...['-codec_whitelist:s', [...DECODERS, ...SUBTITLE_DECODERS].join(',')],
  ];
}

const PICTURES = {
  jpeg: { demuxer: 'jpeg_pipe', decoders: 'mjpeg' },
  png: { demuxer: 'png_pipe', decoders: 'png' },
  // The lossy kind of WebP is a VP8 frame.
  webp: { demuxer: 'webp_pipe', decoders: 'webp,vp8' },
  gif: { demuxer: 'gif', decoders: 'gif' },
};
type Picture = keyof typeof PICTURES;

/** One frame of the most pixels that image.probe lets through, with 16 bits of four channels. */
const MAX_PICTURE_BYTES = 8 * MAX_IMAGE_PIXELS + (16 << 20);

/** For pictures, which ffmpeg knows as demuxers of their own. */
export function strictPicture(format: Picture): string[] {
  const { demuxer, decoders } = PICTURES[format];
  return [
    ...['-max_alloc', String(MAX_PICTURE_BYTES), '-protocol_whitelist', 'file'],
    ...['-format_whitelist', demuxer, '-codec_whitelist', decoders, '-f', demuxer],
  ];
}

const isPicture = (container: string): container is Picture => container in PICTURES;
