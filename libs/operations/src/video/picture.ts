import type { VideoStreamProbe } from '@mediakiln/contracts';
import { type Size, fittedSize } from '../image/geometry';
import type { EngineFacts } from '../video-plan';
import { type ColorPath, colorPath } from './color';
import { padding, roundedDown, roundedUp } from './even-sides';
import { MAX_VIDEO_PIXELS } from './limits';
import { SCALING, isHdr, isToneMapped, shownSize, sourceColors, toneMapping, uprightSize } from './shown';

/** What a picture is fitted into; it keeps its shape. */
export interface PictureBox {
  width?: number;
  height?: number;
  enlarge: boolean;
}

/** Even sides, square pixels, upright, and few enough pixels for phones to decode in hardware. */
export function encodedSize(video: VideoStreamProbe, { width, height, enlarge }: PictureBox): Size {
  const shown = shownSize(video);
  const box = { width: width ?? shown.width, height: height ?? shown.height };
  const wanted = fittedSize(shown, { ...(enlarge ? { width, height } : box), fit: 'inside', enlarge });
  const share = Math.sqrt(MAX_VIDEO_PIXELS / (wanted.width * wanted.height));
  if (share < 1) return roundedDown({ width: wanted.width * share, height: wanted.height * share });
  // At its own size it stays as sharp as it is: a line or column is added that repeats its neighbour.
  return isSame(wanted, shown) ? roundedUp(wanted) : roundedDown(wanted);
}

/** From decoded frames to frames of such a size in 8-bit 4:2:0, in colours that every player shows alike. */
export function encodedPicture(video: VideoStreamProbe, size: Size, engine: EngineFacts): ColorPath {
  const shown = shownSize(video);
  if (isToneMapped(video, engine))
    return {
      filters: [...toneMapping(video, size), 'scale=out_color_matrix=bt709:out_range=tv', ...FINISH],
      options: tags('bt709', 'bt709'),
    };
  const isSquare = isSame(shown, uprightSize(video));
  const isPadded =
    size.width - shown.width === shown.width % 2 && size.height - shown.height === shown.height % 2;
  // HDR that nobody can map is passed on as it is, for players that know it.
  if (isPadded || isHdr(video)) {
    const { filters, options } = colorPath(video);
    const scale = isPadded && isSquare ? [] : [`scale=${isPadded ? sides(shown) : sides(size)}:${SCALING}`];
    return { filters: [...scale, ...(isPadded ? padding(shown) : []), ...filters, 'setsar=1'], options };
  }
  const scale = `scale=${sides(size)}:${SCALING}${sourceColors(video)}:out_color_matrix=bt709:out_range=tv`;
  const { options } = colorPath(video);
  const kept = (name: string): string => valueOf(options, name) ?? 'bt709';
  return { filters: [scale, ...FINISH], options: tags(kept('-color_primaries'), kept('-color_trc')) };
}

const FINISH = ['format=yuv420p', 'setsar=1'];

const tags = (primaries: string, transfer: string): string[] => [
  ...['-color_primaries', primaries, '-color_trc', transfer],
  ...['-colorspace', 'bt709', '-color_range', 'tv'],
];

const valueOf = (options: readonly string[], name: string): string | undefined =>
  options.includes(name) ? options[options.indexOf(name) + 1] : undefined;

const sides = ({ width, height }: Size): string => `${width}:${height}`;
const isSame = (one: Size, other: Size): boolean => one.width === other.width && one.height === other.height;
