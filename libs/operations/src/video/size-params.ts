import { AppError, type FieldError } from '@mediakiln/contracts';
import type { Size } from '../image/geometry';
import { IntegerParam } from '../param';
import { MAX_VIDEO_PIXELS } from './limits';

const SIDE = { minimum: 16, maximum: 3840, optional: true };

/** The optional sides of a video that is made. */
export const WidthParam = (description: string): PropertyDecorator =>
  IntegerParam({ description, ...SIDE, example: 640 });
export const HeightParam = (description: string): PropertyDecorator =>
  IntegerParam({ description, ...SIDE, example: 360 });

/** Where both sides are asked for, the size is known before any input is. */
export function sizeRules({ width, height }: Partial<Size>): FieldError[] {
  const pixels = (width ?? 0) * (height ?? 0);
  if (pixels <= MAX_VIDEO_PIXELS) return [];
  const detail = `width x height (${width} x ${height} = ${pixels}) must be at most ${MAX_VIDEO_PIXELS} pixels`;
  return [{ pointer: '/params/width', code: 'too_many_pixels', detail }];
}

/** @throws AppError output_too_large, naming the size and the limit. */
export function assertVideoPixels({ width, height }: Size): void {
  if (width * height <= MAX_VIDEO_PIXELS) return;
  throw new AppError(
    'output_too_large',
    `The video would be ${width}x${height}, ${width * height} pixels; at most ${MAX_VIDEO_PIXELS} are made`,
  );
}
