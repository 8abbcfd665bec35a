import type { VideoProbe, VideoStreamProbe } from '@mediakiln/contracts';
import { isFullRangeVideo } from './color';
import { rateText, steadyRate } from './merge-rate';
import { shownSize } from './shown';

/** One input of a merge, which has a picture. */
export interface MergeInput {
  probe: VideoProbe;
  video: VideoStreamProbe;
}

/** What two pictures must have in common to be copied one behind the other. */
export interface Signature {
  codec: string;
  profile: string;
  size: string;
  sample_aspect_ratio: string;
  frame_rate: string;
  pixel_format: string;
  rotation: string;
  colors: string;
  reordered_frames: string;
  /** Last, since any of the others makes it differ. */
  parameter_sets: string;
}

/** Why a picture is not copied: what it has, and what it would need. */
export interface Difference {
  part: keyof Signature | 'container' | 'duration' | 'joins';
  is: string;
  needed: string;
}

const NOT_STEADY = 'variable';
/** Of parameter sets; enough to tell them apart. */
const DIGEST_CHARACTERS = 12;
/** x264's names by ffprobe's. */
const PROFILES: Record<string, string> = {
  Baseline: 'baseline',
  'Constrained Baseline': 'baseline',
  Main: 'main',
  High: 'high',
};
/** x264 reorders so many at most; what is encoded asks no more of a decoder than what is copied. */
const MAX_REORDERED = 2;

export function signatureOf({ video }: MergeInput): Signature {
  const rate = steadyRate(video);
  const { width, height } = shownSize(video);
  const digest = video.decoder_config?.replace(/^.*:/, '').slice(0, DIGEST_CHARACTERS);
  return {
    codec: video.codec,
    profile: video.profile ?? 'unknown',
    size: `${width}x${height}`,
    sample_aspect_ratio: video.sample_aspect_ratio,
    frame_rate: rate ? rateText(rate) : NOT_STEADY,
    pixel_format: video.pixel_format,
    rotation: String(video.rotation_degrees),
    colors: [video.color_primaries, video.color_transfer, video.color_space, video.color_range]
      .map((name) => name ?? 'unknown')
      .join('/'),
    reordered_frames: String(video.has_b_frames),
    parameter_sets: digest ?? 'unknown',
  };
}

/** What keeps a picture from being copied, whatever the others are. */
export function obstacles({ probe, video }: MergeInput): Difference[] {
  const own = signatureOf({ probe, video });
  const found: (Difference | false)[] = [
    probe.container !== 'mov' && { part: 'container', is: probe.container, needed: 'mov' },
    video.codec !== 'h264' && { part: 'codec', is: video.codec, needed: 'h264' },
    own.frame_rate === NOT_STEADY && { part: 'frame_rate', is: NOT_STEADY, needed: 'constant' },
    own.sample_aspect_ratio !== '1:1' && {
      part: 'sample_aspect_ratio',
      is: own.sample_aspect_ratio,
      needed: '1:1',
    },
    own.parameter_sets === 'unknown' && { part: 'parameter_sets', is: 'unknown', needed: 'known' },
    video.duration_seconds === null && { part: 'duration', is: 'unknown', needed: 'known' },
  ];
  return found.filter((one) => one !== false);
}

/** Whether other pictures can be encoded so that they go with this one. */
export const canBeMatched = ({ video }: MergeInput): boolean =>
  video.profile !== null &&
  video.profile in PROFILES &&
  video.pixel_format === 'yuv420p' &&
  !isFullRangeVideo(video) &&
  video.has_b_frames <= MAX_REORDERED;

/**
 * `superfast`, but with a look ahead: for the same SSIM and as many bytes as `veryfast` half of its processor time (5.6 s
 * instead of 10.9 for 5 s of 1080p of a film: .9973; 4.9 instead of 7.8 of a silent one: .9944 instead of .9947).
 */
const ENCODER = ['-c:v', 'libx264', '-preset', 'superfast', '-crf', '20'];
const LOOKING_AHEAD = 'mbtree=1:rc-lookahead=10';

/** Encoder options for pictures that nothing is copied beside. */
export const freeEncoder = (): string[] => [
  ...ENCODER,
  ...['-profile:v', 'high', '-x264-params', LOOKING_AHEAD],
];

/** Encoder options with which a picture goes with copied ones: the same profile and order, but parameter sets of its own. */
export function matchingEncoder({ profile, has_b_frames }: VideoStreamProbe): string[] {
  const reordering = ['', ':b-pyramid=none', ''][has_b_frames] ?? '';
  return [
    ...ENCODER,
    ...['-profile:v', PROFILES[profile ?? ''] ?? 'high', '-bf', has_b_frames === 0 ? '0' : '3'],
    ...['-x264-params', `sps-id=1:repeat-headers=1:${LOOKING_AHEAD}${reordering}`],
  ];
}

export function differences(one: Signature, target: Signature): Difference[] {
  const parts = (Object.keys(target) as (keyof Signature)[]).filter((part) => one[part] !== target[part]);
  const telling = parts.length > 1 ? parts.filter((part) => part !== 'parameter_sets') : parts;
  return telling.map((part) => ({ part, is: one[part], needed: target[part] }));
}
