import type { ImageProbe } from '@mediakiln/contracts';
import type { Sharp } from 'sharp';
import { FORMATS, type ImageFormat } from './formats';

const RGB_SPACES = ['srgb', 'rgb', 'rgb16', 'scrgb'];
const GREY_SPACES = ['b-w', 'grey16'];

/** How colours reach the output looking the same. */
export interface ColorPlan {
  /**
   * `unchanged`: the numbers pass through and the input's ICC profile, if any, goes along: cheap and exact.
   * `to_srgb`: converted by the profile (or as plain CMYK) and written without one, because the output could not hold
   * the profile: a CMYK profile on an RGB file shows wrong colours.
   */
  pixels: 'unchanged' | 'to_srgb';
  /** The output has one channel of colour. */
  isGrey: boolean;
}

/** @param needsColor whether a greyscale picture gets colour channels: for a painted background, or a palette. */
export function planColors(probe: ImageProbe, format: ImageFormat, needsColor: boolean): ColorPlan {
  const rules = FORMATS[format];
  const isGrey = GREY_SPACES.includes(probe.color_space) && rules.hasGrey && !needsColor;
  const isHeld = isGrey || RGB_SPACES.includes(probe.color_space);
  const fits = probe.has_icc_profile ? isHeld && rules.hasIccProfile : !isCmyk(probe);
  return { pixels: fits ? 'unchanged' : 'to_srgb', isGrey };
}

/** The other half of the plan is `ignoreIcc` in the constructor's options. */
export function applyColors(pipeline: Sharp, plan: ColorPlan, probe: ImageProbe): Sharp {
  if (plan.pixels === 'unchanged' && probe.has_icc_profile) pipeline.keepIccProfile();
  if (plan.isGrey) pipeline.toColourspace('b-w');
  return pipeline;
}

function isCmyk(probe: ImageProbe): boolean {
  return !RGB_SPACES.includes(probe.color_space) && !GREY_SPACES.includes(probe.color_space);
}
