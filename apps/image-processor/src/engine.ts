import './untrusted';
import { MAX_IMAGE_PIXELS } from '@mediakiln/operations';
import sharp, { type Sharp, type SharpOptions } from 'sharp';

/** The only ways into libvips: an SVG, a PDF or a MATLAB file is unreadable whatever it is called. */
const LOADERS = [
  'VipsForeignLoadJpeg',
  'VipsForeignLoadPng',
  'VipsForeignLoadWebp',
  'VipsForeignLoadNsgif',
  'VipsForeignLoadHeif',
];
const ENGINE_SECONDS = 30;

sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: LOADERS });
sharp.cache(false);
// Jobs run side by side, one thread each: that is faster in sum than several threads a job.
sharp.concurrency(1);

/** A whole file: its path, or its bytes. */
export type ImageFile = string | Buffer;

/** Opens an untrusted image under the platform's limits; `options` cannot loosen them. */
export function openImage(image: ImageFile, options: SharpOptions): Sharp {
  return sharp(image, {
    ...options,
    failOn: 'error',
    limitInputPixels: MAX_IMAGE_PIXELS,
    limitInputChannels: 5,
    unlimited: false,
  }).timeout({ seconds: ENGINE_SECONDS });
}

/** Opens only to read the header: without the pixel limit, so that a refusal can name the actual size. */
export function openHeader(image: ImageFile): Sharp {
  return sharp(image, { failOn: 'error', limitInputPixels: false, limitInputChannels: 5, unlimited: false });
}

export const engineVersions = (): Record<string, string> => ({
  sharp: sharp.versions.sharp ?? 'unknown',
  libvips: sharp.versions.vips,
});

/** Of our formats, those that this build writes: a system's own libvips may leave some out. */
export function writableFormats(): ReadonlySet<string> {
  const { jpeg, png, webp, gif, heif } = sharp.format;
  const written = { jpeg, png, webp, gif, avif: heif };
  return new Set(Object.entries(written).flatMap(([name, { output }]) => (output.buffer ? [name] : [])));
}
