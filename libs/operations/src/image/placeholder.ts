import type { ImageFactsOperation } from '../operation';
import { imageProbe } from './probe';

export class ImagePlaceholderParams {}

/**
 * The blurred picture that pages show first. Every image gets one with its probe, so this is for images that were probed
 * before there was one, and for those who want only that.
 */
export const imagePlaceholder: ImageFactsOperation<ImagePlaceholderParams> = {
  ...imageProbe,
  name: 'image.placeholder',
  summary: 'Makes a ThumbHash, a blurred picture in some 25 bytes; it is in the report, in base64',
  params: ImagePlaceholderParams,
  report: ({ placeholder }) => ({ thumbhash: placeholder ?? null }),
};
