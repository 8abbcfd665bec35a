import type { ImageProbe } from '@mediakiln/contracts';
import { ChoiceParam, IntegerParam } from '../param';
import type { EncodeParams } from './encode';
import type { ImageFormat } from './formats';

const FORMAT_CHOICES = ['keep', 'jpeg', 'png', 'webp', 'avif', 'gif'] as const;

/** Where each looks about as good as JPEG at 80; AVIF needs less, GIF all its colours. */
export const GOOD_QUALITIES: Record<ImageFormat, number> = { jpeg: 80, png: 80, webp: 80, avif: 55, gif: 90 };
const LOSSLESS_PNG = 100;

/** The file of operations that are not asked for a smaller one. */
export class ImageOutputParams {
  @ChoiceParam({ description: 'Format of the output', values: FORMAT_CHOICES, default: 'keep' })
  format: (typeof FORMAT_CHOICES)[number] = 'keep';

  @IntegerParam({
    description:
      '1 is the smallest file, 100 the best picture. Default: 80 for JPEG and WebP, 55 for AVIF, 90 for GIF; PNG is ' +
      'lossless without it, and below 100 it is quantised to a palette',
    minimum: 1,
    maximum: 100,
    optional: true,
    example: 80,
  })
  quality?: number;
}

/** How the output is written. */
export function outputOf(
  { format: asked, quality }: ImageOutputParams,
  probe: ImageProbe,
): EncodeParams & { format: ImageFormat } {
  const format = asked === 'keep' ? probe.format : asked;
  const usual = format === 'png' ? LOSSLESS_PNG : GOOD_QUALITIES[format];
  return { format, quality: quality ?? usual, effort: 'fast' };
}
