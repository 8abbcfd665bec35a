import { AppError, type ImageProbe } from '@mediakiln/contracts';
import { MAX_IMAGE_PIXELS } from '@mediakiln/operations';
import { endsEarly } from './ends-early';
import type { ImageFile } from './engine';

const TIMEOUT = /^timeout: /m;

/** What sharp itself says before a decoder is asked, and libvips when its time is over. */
const KNOWN: readonly [RegExp, (cause: unknown) => AppError][] = [
  [/unsupported image format/, (cause) => new AppError('unsupported_media_type', undefined, { cause })],
  [
    /exceeds pixel limit/,
    (cause) =>
      new AppError('image_too_large', `The image has more than ${MAX_IMAGE_PIXELS} pixels`, { cause }),
  ],
  [
    /exceeds channel limit/,
    (cause) => new AppError('image_corrupt', 'The image has more than 5 channels', { cause }),
  ],
  [TIMEOUT, (cause) => new AppError('job_timeout', 'Decoding the image took too long', { cause })],
  [/Input file is missing/, (cause) => AppError.from(cause)],
];

/**
 * A failure to read the picture, with a code. Decoders' sentences are not looked at: they change with
 * versions, and with several images in work libvips mixes them up or loses them ("Unknown error").
 */
export async function pictureError(
  thrown: unknown,
  image: ImageFile,
  format: ImageProbe['format'],
): Promise<AppError> {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const known = KNOWN.find(([pattern]) => pattern.test(message));
  if (known) return known[1](thrown);
  return (await endsEarly(image, format))
    ? new AppError('image_truncated', 'The file ends before the image is complete', { cause: thrown })
    : new AppError('image_corrupt', 'The image data is damaged', { cause: thrown });
}

/** libvips gave up because its time was over. */
export const isTimeout = (thrown: unknown): boolean =>
  thrown instanceof Error && TIMEOUT.test(thrown.message);
