import type { ImageProbe } from '@mediakiln/contracts';
import type { ImageTarget } from '../operation';

export type ImageFormat = ImageProbe['format'];

interface FormatRules {
  target: ImageTarget;
  hasAlpha: boolean;
  isAnimated: boolean;
  /** Greyscale can be stored as one channel, together with a greyscale ICC profile. */
  hasGrey: boolean;
  hasIccProfile: boolean;
  /** Longest side that the format or its encoder takes. */
  maxSide: number;
}

const target = (container: ImageFormat, extension: string): ImageTarget => ({
  container,
  extension,
  mime_type: `image/${container}`,
});

/** What each format can hold, as far as our encoders make use of it. */
export const FORMATS = {
  jpeg: {
    target: target('jpeg', 'jpg'),
    hasAlpha: false,
    isAnimated: false,
    hasGrey: true,
    hasIccProfile: true,
    maxSide: 65_500,
  },
  png: {
    target: target('png', 'png'),
    hasAlpha: true,
    isAnimated: false,
    hasGrey: true,
    hasIccProfile: true,
    maxSide: 1_000_000,
  },
  webp: {
    target: target('webp', 'webp'),
    hasAlpha: true,
    isAnimated: true,
    hasGrey: false,
    hasIccProfile: true,
    maxSide: 16_383,
  },
  gif: {
    target: target('gif', 'gif'),
    hasAlpha: true,
    isAnimated: true,
    hasGrey: false,
    hasIccProfile: false,
    maxSide: 65_535,
  },
  avif: {
    target: target('avif', 'avif'),
    hasAlpha: true,
    isAnimated: false,
    hasGrey: false,
    hasIccProfile: true,
    maxSide: 16_384,
  },
} as const satisfies Record<ImageFormat, FormatRules>;
