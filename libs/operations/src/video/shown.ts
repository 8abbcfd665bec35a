import type { VideoStreamProbe } from '@mediakiln/contracts';
import { type Size } from '../image/geometry';
import type { EngineFacts } from '../video-plan';
import { isFullRangeVideo, isRgbVideo } from './color';
import { rateOf } from './ffprobe-json';

/** How frames become what players show of them: size, shape, colours. */
export const SCALING = 'flags=bicubic+accurate_rnd+full_chroma_int';
const HDR_TRANSFERS = ['smpte2084', 'arib-std-b67'];

/** As players show it: turned, and of square pixels. The side that is squeezed grows, so that no line is lost. */
export function shownSize(video: VideoStreamProbe): Size {
  const aspect = rateOf(video.sample_aspect_ratio.replace(':', '/')) ?? 1;
  const { coded_width: width, coded_height: height } = video;
  const square: Size =
    aspect >= 1
      ? { width: Math.round(width * aspect), height }
      : { width, height: Math.round(height / aspect) };
  return video.rotation_degrees % 180 === 0 ? square : { width: square.height, height: square.width };
}

/** As ffmpeg's filters see it: turned, and of pixels as they are coded. */
export function uprightSize({ coded_width, coded_height, rotation_degrees }: VideoStreamProbe): Size {
  return rotation_degrees % 180 === 0
    ? { width: coded_width, height: coded_height }
    : { width: coded_height, height: coded_width };
}

/** Untagged video is BT.709 from HD on, as players have it. */
export function sourceColors(video: VideoStreamProbe): string {
  if (isRgbVideo(video)) return '';
  return `:in_color_matrix=${matrixOf(video)}:in_range=${isFullRangeVideo(video) ? 'full' : 'tv'}`;
}

const MATRICES: Record<string, string> = {
  bt709: 'bt709',
  bt470bg: 'bt601',
  smpte170m: 'bt601',
  smpte240m: 'smpte240m',
  fcc: 'fcc',
  bt2020nc: 'bt2020',
  bt2020c: 'bt2020',
};
const SD = { width: 1024, height: 576 };

function matrixOf(video: VideoStreamProbe): string {
  const isSd = video.coded_width <= SD.width && video.coded_height <= SD.height;
  return MATRICES[video.color_space ?? ''] ?? (isSd || video.codec === 'mjpeg' ? 'bt601' : 'bt709');
}

/** HDR shown as it is would be pale. Where ffmpeg was built without the filters, it is. */
export const isToneMapped = (video: VideoStreamProbe, { filters: known }: EngineFacts): boolean =>
  isHdr(video) && known.has('zscale') && known.has('tonemap');

/** In RGB all along: zscale refuses odd sizes of 4:2:0. */
export function toneMapping(video: VideoStreamProbe, size: Size): string[] {
  return [
    `scale=${size.width}:${size.height}:${SCALING}${sourceColors(video)}:out_range=full`,
    'format=gbrp12le',
    `zscale=min=gbr:rin=full:pin=bt2020:tin=${video.color_transfer}:t=linear:npl=100`,
    'format=gbrpf32le',
    'zscale=p=bt709',
    'tonemap=hable:desat=0',
    'zscale=t=bt709:r=full',
    'format=gbrp',
  ];
}

export const isHdr = ({ color_transfer }: VideoStreamProbe): boolean =>
  HDR_TRANSFERS.includes(color_transfer ?? '');
