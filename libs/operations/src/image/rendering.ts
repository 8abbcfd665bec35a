import { AppError, type ImageProbe } from '@mediakiln/contracts';
import type { Sharp, SharpOptions } from 'sharp';
import { type ColorPlan, applyColors, planColors } from './colors';
import { type EncodeParams, hasPalette } from './encode';
import { FORMATS, type ImageFormat } from './formats';

/** What decides, besides the input, how a picture is opened and written. */
export interface RenderingOrder extends EncodeParams {
  format: ImageFormat;
  /** Colour that is painted behind transparent parts, or beside the picture. */
  background: string;
  /** Leave the other frames of an animation out. */
  first_frame: boolean;
  /** Bars of the background colour are added beside the picture. */
  pads?: boolean;
}

/** The way from an input to a target format, as far as all operations that make pictures share it. */
export interface Rendering {
  format: ImageFormat;
  isAnimated: boolean;
  /** The target has no transparency, so a background is painted. */
  flattens: boolean;
  colors: ColorPlan;
  /** The background goes through the pipeline of a greyscale picture, which would turn it grey. */
  tintsGrey: boolean;
}

export function planRendering(order: RenderingOrder, probe: ImageProbe): Rendering {
  const { format } = order;
  const flattens = probe.has_alpha && !FORMATS[format].hasAlpha;
  const paintsColor = (flattens || order.pads === true) && !isGreyColor(order.background);
  return {
    format,
    isAnimated: probe.frames > 1 && !order.first_frame && FORMATS[format].isAnimated,
    flattens,
    colors: planColors(probe, format, paintsColor || hasPalette(format, order)),
    tintsGrey: paintsColor && probe.channels < 3,
  };
}

/** Options of the constructor: a profile is applied only when it cannot go along. */
export function openedFor({ colors, isAnimated }: Rendering, probe: ImageProbe): SharpOptions {
  return {
    ignoreIcc: colors.pixels === 'unchanged' || !probe.has_icc_profile,
    sequentialRead: true,
    failOn: 'error',
    animated: isAnimated,
  };
}

export function applyRendering(
  pipeline: Sharp,
  { colors, flattens, tintsGrey }: Rendering,
  background: string,
  probe: ImageProbe,
): Sharp {
  // On a greyscale picture libvips would turn the colour into a grey of the same brightness.
  if (tintsGrey) pipeline.pipelineColourspace('srgb');
  if (flattens) pipeline.flatten({ background });
  return applyColors(pipeline, colors, probe);
}

/** @throws AppError image_too_large, naming the side and the limit. */
export function assertFitsFormat(format: ImageFormat, size: { width: number; height: number }): void {
  const { maxSide } = FORMATS[format];
  const side = Math.max(size.width, size.height);
  if (side > maxSide)
    throw new AppError(
      'image_too_large',
      `The longest side is ${side} pixels; ${format.toUpperCase()} takes at most ${maxSide}`,
    );
}

/** Frames lie one below the other in libvips, so that they can only be turned one at a time. @throws AppError */
export function assertTurnable({ isAnimated }: Pick<Rendering, 'isAnimated'>, probe: ImageProbe): void {
  if (isAnimated && probe.orientation !== 1)
    throw new AppError(
      'unsupported_input',
      `An animation that is turned by its EXIF orientation (${probe.orientation}) is not taken; its first frame is`,
    );
}

function isGreyColor(color: string): boolean {
  const [red, green, blue] = [color.slice(1, 3), color.slice(3, 5), color.slice(5, 7)];
  return red?.toLowerCase() === green?.toLowerCase() && green?.toLowerCase() === blue?.toLowerCase();
}
