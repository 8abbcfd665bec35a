import { AppError } from '@mediakiln/contracts';
import { MAX_IMAGE_PIXELS } from './probe';

export interface Size {
  width: number;
  height: number;
}

export const FITS = ['inside', 'outside', 'cover', 'contain', 'fill'] as const;
export type Fit = (typeof FITS)[number];

/** What a picture is to be fitted into. With one side alone there is nothing to fit: the other follows. */
export interface Box {
  width?: number;
  height?: number;
  fit: Fit;
  /** Whether a picture may become larger than it is. */
  enlarge: boolean;
}

/** The exact size of the output. No side is ever 0, however long the picture. */
export function fittedSize(picture: Size, box: Box): Size {
  const { width, height, fit } = box;
  const limit = (factor: number): number => (box.enlarge ? factor : Math.min(factor, 1));
  if (width === undefined || height === undefined)
    return scaled(
      picture,
      limit((width ?? picture.width) / picture.width) * limit((height ?? picture.height) / picture.height),
    );
  const factors = [width / picture.width, height / picture.height] as const;
  switch (fit) {
    case 'inside':
      return scaled(picture, limit(Math.min(...factors)));
    case 'outside':
      return scaled(picture, limit(Math.max(...factors)));
    case 'fill':
      return box.enlarge
        ? { width, height }
        : { width: Math.min(width, picture.width), height: Math.min(height, picture.height) };
    case 'contain':
      return { width, height };
    case 'cover':
      // A picture that is too small to cover the box gives a smaller piece of the box's own shape.
      return scaled({ width, height }, box.enlarge ? 1 : 1 / Math.max(...factors, 1));
  }
}

/** @throws AppError output_too_large, naming the size and the limit. */
export function assertOutputPixels(size: Size, frames: number): void {
  const pixels = size.width * size.height * frames;
  if (pixels <= MAX_IMAGE_PIXELS) return;
  throw new AppError(
    'output_too_large',
    `The output would be ${size.width}x${size.height}${frames > 1 ? ` in ${frames} frames` : ''}, ${pixels} pixels; ` +
      `at most ${MAX_IMAGE_PIXELS} are made`,
  );
}

const scaled = (size: Size, factor: number): Size => ({
  width: Math.max(1, Math.round(size.width * factor)),
  height: Math.max(1, Math.round(size.height * factor)),
});
