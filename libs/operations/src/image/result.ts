import type { ImageProbe } from '@mediakiln/contracts';
import type { Size } from './geometry';
import type { Rendering } from './rendering';

interface Made {
  size: Size;
  /** Shows the same as before, at most smaller. */
  keepsLook: boolean;
  /** Transparent parts were added. */
  addsAlpha?: boolean;
}

/** What comes out of a drawing, upright: the probe that the next operation gets. */
export function resultOf(rendering: Rendering, probe: ImageProbe, made: Made): ImageProbe {
  const { colors, flattens, format, isAnimated } = rendering;
  const { placeholder, ...before } = probe;
  const has_alpha = made.addsAlpha === true || (probe.has_alpha && !flattens);
  return {
    ...before,
    ...(made.keepsLook && !flattens && placeholder !== undefined ? { placeholder } : {}),
    width: made.size.width,
    height: made.size.height,
    stored_width: made.size.width,
    stored_height: made.size.height,
    format,
    orientation: 1,
    frames: isAnimated ? probe.frames : 1,
    has_alpha,
    has_icc_profile: probe.has_icc_profile && colors.pixels === 'unchanged',
    color_space: colors.isGrey ? 'b-w' : 'srgb',
    bit_depth: 8,
    channels: (colors.isGrey ? 1 : 3) + Number(has_alpha),
    is_progressive: false,
    has_gps: false,
  };
}

/** The same picture, its pixels turned to where its EXIF orientation shows them. */
export const upright = (probe: ImageProbe): ImageProbe => ({
  ...probe,
  stored_width: probe.width,
  stored_height: probe.height,
  orientation: 1,
});
