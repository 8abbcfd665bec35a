import type { VideoStreamProbe } from '@mediakiln/contracts';

/** ffprobe's names on the left, the names that every ffmpeg since 4.1 takes as an option on the right. */
const PRIMARIES: Record<string, string> = {
  bt709: 'bt709',
  bt470m: 'bt470m',
  bt470bg: 'bt470bg',
  smpte170m: 'smpte170m',
  smpte240m: 'smpte240m',
  film: 'film',
  bt2020: 'bt2020',
  smpte431: 'smpte431',
  smpte432: 'smpte432',
};
const TRANSFERS: Record<string, string> = {
  bt709: 'bt709',
  bt470m: 'gamma22',
  bt470bg: 'gamma28',
  smpte170m: 'smpte170m',
  smpte240m: 'smpte240m',
  linear: 'linear',
  'iec61966-2-1': 'iec61966-2-1',
  'bt2020-10': 'bt2020-10',
  'bt2020-12': 'bt2020-12',
  smpte2084: 'smpte2084',
  'arib-std-b67': 'arib-std-b67',
};
const MATRICES: Record<string, string> = {
  bt709: 'bt709',
  fcc: 'fcc',
  bt470bg: 'bt470bg',
  smpte170m: 'smpte170m',
  smpte240m: 'smpte240m',
  bt2020nc: 'bt2020nc',
};

/** How colours get from the source into 8-bit 4:2:0 of limited range, which every player shows alike. */
export interface ColorPath {
  filters: string[];
  options: string[];
}

export function colorPath(video: VideoStreamProbe): ColorPath {
  // RGB has no matrix to keep: BT.709 is what players assume for video.
  const isRgb = isRgbVideo(video);
  const isFullRange = isFullRangeVideo(video);
  const matrix = isRgb ? 'bt709' : MATRICES[video.color_space ?? ''];
  const scale = [
    ...(isRgb ? ['out_color_matrix=bt709'] : []),
    ...(isFullRange ? ['in_range=full', 'out_range=limited'] : []),
  ];
  return {
    filters: [...(scale.length > 0 ? [`scale=${scale.join(':')}`] : []), 'format=yuv420p'],
    options: [
      ...tag('-color_primaries', PRIMARIES[video.color_primaries ?? '']),
      ...tag('-color_trc', TRANSFERS[video.color_transfer ?? '']),
      ...tag('-colorspace', matrix),
      ...tag('-color_range', isFullRange || video.color_range !== null ? 'tv' : undefined),
    ],
  };
}

/** Options that tag encoded frames as the source's are tagged, where nothing was converted. */
export const colorTags = (video: VideoStreamProbe): string[] => [
  ...tag('-color_primaries', PRIMARIES[video.color_primaries ?? '']),
  ...tag('-color_trc', TRANSFERS[video.color_transfer ?? '']),
  ...tag('-colorspace', MATRICES[video.color_space ?? '']),
  ...tag('-color_range', isFullRangeVideo(video) ? 'pc' : video.color_range === null ? undefined : 'tv'),
];

/**
 * Options that tag pictures of limited range as another one is tagged, and as nothing where that says nothing: unless told,
 * ffmpeg tags them as they were before they were converted.
 */
export const tagsLike = (video: VideoStreamProbe): string[] => [
  ...['-color_primaries', PRIMARIES[video.color_primaries ?? ''] ?? UNTAGGED],
  ...['-color_trc', TRANSFERS[video.color_transfer ?? ''] ?? UNTAGGED],
  ...['-colorspace', MATRICES[video.color_space ?? ''] ?? UNTAGGED],
  ...['-color_range', 'tv'],
];

const UNTAGGED = 'unspecified';

const tag = (option: string, value: string | undefined): string[] =>
  value === undefined ? [] : [option, value];

export const isRgbVideo = ({ pixel_format }: VideoStreamProbe): boolean =>
  /^(gbr|rgb|bgr|argb|abgr)/.test(pixel_format);

export const isFullRangeVideo = (video: VideoStreamProbe): boolean =>
  isRgbVideo(video) || video.color_range === 'pc' || video.pixel_format.startsWith('yuvj');
