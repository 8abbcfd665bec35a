import type { ImageProbe } from '@mediakiln/contracts';
import type { Size } from '../image/geometry';
import { SCALING } from './shown';
import { type StillFrame, inShapeOf } from './still-frame';

interface FilterOrder {
  frames_per_second: number;
  background: string;
  isAnimated: boolean;
  /** Frames that come out. */
  encoded: number;
}

/** The enlargement behind the picture is blurred at this share of its size, which costs next to nothing. */
const BLUR_SHARE = 8;
const BLUR_SIGMA = 4;
const MIN_BLURRED_SIDE = 8;

/** EXIF orientation -> what makes the picture upright. */
const TURNS: Record<number, string[]> = {
  2: ['hflip'],
  3: ['hflip', 'vflip'],
  4: ['vflip'],
  5: ['transpose=cclock_flip'],
  6: ['transpose=clock'],
  7: ['transpose=clock_flip'],
  8: ['transpose=cclock'],
};

/**
 * From the picture as it is stored to upright BT.709 frames of the video's size. In RGB on the way, where colours of
 * bars are what was asked for, and odd sizes are no matter. Transparent parts are filled before the size changes: their
 * invisible colour must not bleed into the edge.
 */
export function stillFilters(probe: ImageProbe, frame: StillFrame, order: FilterOrder): string {
  const rate = order.frames_per_second;
  const asStored = (size: Size): Size => (probe.orientation >= 5 ? swapped(size) : size);
  const { width, height } = asStored(frame.picture);
  const cut = frame.cut ? [crop(asStored(frame.cut))] : [];
  const first = order.isAnimated ? `fps=${rate}` : 'trim=end_frame=1';
  const toRgb = [`scale=${width}:${height}:${SCALING}:in_color_matrix=bt601`, 'format=gbrp'];
  const upright = [...cut, ...toRgb, ...(TURNS[probe.orientation] ?? []), 'setsar=1'];
  const finish = [
    `scale=${SCALING}:out_color_matrix=bt709:out_range=tv`,
    'format=yuv420p',
    ...(order.isAnimated ? [] : [`loop=loop=${order.encoded - 1}:size=1:start=0`, `setpts=N/(${rate}*TB)`]),
  ];
  return [
    ...(probe.has_alpha ? flattened(probe, first, order) : [`[0:v:0]${first}[flat]`]),
    ...placed(frame, order.background, upright.join(',')),
    `[framed]${finish.join(',')}[video]`,
  ].join(';');
}

function flattened(
  probe: ImageProbe,
  first: string,
  { background, frames_per_second }: FilterOrder,
): string[] {
  const size = `${probe.stored_width}x${probe.stored_height}`;
  return [
    `color=c=${hex(background)}:s=${size}:r=${frames_per_second},format=rgb24[paper]`,
    `[0:v:0]${first},format=rgba[sheet]`,
    '[paper][sheet]overlay=shortest=1:format=rgb[flat]',
  ];
}

function placed(
  { width, height, picture, placed: how }: StillFrame,
  background: string,
  upright: string,
): string[] {
  const size = `${width}:${height}`;
  switch (how) {
    case 'whole':
      return [`[flat]${upright}[framed]`];
    case 'odd': {
      const missing = `right=${width - picture.width}:bottom=${height - picture.height}`;
      return [`[flat]${upright},pad=${size},fillborders=${missing}:mode=smear[framed]`];
    }
    case 'pad':
      return [`[flat]${upright},pad=${size}:(ow-iw)/2:(oh-ih)/2:color=${hex(background)}[framed]`];
    case 'blur':
      return [
        `[flat]${upright},split[front][back]`,
        `[back]${blurred(picture, { width, height })}[behind]`,
        '[behind][front]overlay=(W-w)/2:(H-h)/2:format=gbrp[framed]',
      ];
  }
}

function blurred(picture: Size, frame: Size): string {
  return [
    crop(inShapeOf(picture, frame)),
    `scale=${reduced(frame.width)}:${reduced(frame.height)}:flags=area`,
    `gblur=sigma=${BLUR_SIGMA}`,
    `scale=${frame.width}:${frame.height}:flags=bicubic,setsar=1,format=gbrp`,
  ].join(',');
}

const reduced = (side: number): number => Math.max(MIN_BLURRED_SIDE, Math.round(side / BLUR_SHARE));
/** The middle of it; `exact`, since odd sizes of 4:2:0 would be rounded, to nothing if need be. */
const crop = ({ width, height }: Size): string => `crop=${width}:${height}:exact=1`;
const swapped = ({ width, height }: Size): Size => ({ width: height, height: width });
/** The colour was checked to be `#rrggbb`. */
const hex = (color: string): string => `0x${color.slice(1)}`;
