import { AppError } from '@mediakiln/contracts';
import type { PlannedRendition } from '../video-plan';

/** A fragmented MP4 that is played by ranges of its bytes. */
export interface FragmentedFile {
  /** As in the CODECS of a playlist. */
  codecs: string;
  /** How many bytes come before the first fragment: the initialisation section. */
  init_bytes: number;
  /** Each starts with a keyframe. */
  fragments: { offset: number; bytes: number; start_seconds: number; seconds: number }[];
}

export type MadeRendition = PlannedRendition & FragmentedFile;

/** So different may the same moment be in two files whose clocks have other ticks. */
const SAME_SECONDS = 0.001;
/** Of fragmented MP4 in EXT-X-MAP. */
const VERSION = 7;

/** The segments of one rendition, as ranges of its one file (RFC 8216). */
export function mediaPlaylist(made: MadeRendition): string {
  const longest = Math.max(...made.fragments.map(({ seconds }) => seconds));
  return lines([
    `#EXT-X-TARGETDURATION:${Math.ceil(longest - SAME_SECONDS)}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    `#EXT-X-MAP:URI="${made.video}",BYTERANGE="${made.init_bytes}@0"`,
    ...made.fragments.flatMap(({ offset, bytes, seconds }) => [
      `#EXTINF:${seconds.toFixed(6)},`,
      `#EXT-X-BYTERANGE:${bytes}@${offset}`,
      made.video,
    ]),
    '#EXT-X-ENDLIST',
  ]);
}

/** All renditions, the best first. @throws AppError output_not_verified when a player could not switch between them. */
export function masterPlaylist(made: readonly MadeRendition[]): string {
  for (const other of made.slice(1)) assertAligned(made[0]!, other);
  return lines(
    made.flatMap((one) => [
      `#EXT-X-STREAM-INF:${[
        `BANDWIDTH=${peakOf(one)}`,
        `AVERAGE-BANDWIDTH=${averageOf(one)}`,
        `CODECS="${one.codecs}"`,
        `RESOLUTION=${one.width}x${one.height}`,
        `FRAME-RATE=${one.frames_per_second.toFixed(3)}`,
      ].join(',')}`,
      one.playlist,
    ]),
  );
}

const lines = (tags: string[]): string =>
  ['#EXTM3U', `#EXT-X-VERSION:${VERSION}`, '#EXT-X-INDEPENDENT-SEGMENTS', ...tags, ''].join('\n');

/** Bits per second of the heaviest segment. */
const peakOf = ({ fragments }: MadeRendition): number =>
  Math.ceil(Math.max(...fragments.map(({ bytes, seconds }) => (8 * bytes) / seconds)));

function averageOf({ fragments }: MadeRendition): number {
  const sum = (of: (one: FragmentedFile['fragments'][number]) => number): number =>
    fragments.reduce((total, one) => total + of(one), 0);
  return Math.ceil((8 * sum(({ bytes }) => bytes)) / sum(({ seconds }) => seconds));
}

function assertAligned(one: MadeRendition, other: MadeRendition): void {
  const isAligned =
    one.fragments.length === other.fragments.length &&
    one.fragments.every(
      ({ start_seconds }, index) =>
        Math.abs(start_seconds - other.fragments[index]!.start_seconds) < SAME_SECONDS,
    );
  if (!isAligned)
    throw new AppError(
      'output_not_verified',
      `The segments of ${other.video} do not start where those of ${one.video} do`,
    );
}
