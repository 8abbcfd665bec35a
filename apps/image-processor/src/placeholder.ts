import type { ImageProbe } from '@mediakiln/contracts';
import { fittedSize } from '@mediakiln/operations';
import { rgbaToThumbHash } from 'thumbhash';
import { type ImageFile, openImage } from './engine';

/** The most that a ThumbHash is made of. A large JPEG is decoded to an eighth, which skips the costly transform. */
const SIDE = 100;
const RGBA = 4;

/**
 * Decodes the whole picture, all frames, which shows whether it is sound; throws what the decoder throws.
 * @returns its ThumbHash in base64, of the first frame as shown. Undefined for an animation that is turned by EXIF:
 * libvips cannot turn it.
 */
export async function placeholderOf(image: ImageFile, probe: ImageProbe): Promise<string | undefined> {
  const isAnimated = probe.frames > 1;
  const { width, height } = fittedSize(probe, { width: SIDE, height: SIDE, fit: 'inside', enlarge: false });
  const pixels = await openImage(image, {
    ignoreIcc: true,
    sequentialRead: true,
    animated: isAnimated,
    autoOrient: !isAnimated,
  })
    .resize({ width, height, fit: 'fill' })
    .ensureAlpha()
    .raw()
    .toBuffer();
  if (isAnimated && probe.orientation !== 1) return undefined;
  const firstFrame = pixels.subarray(0, width * height * RGBA);
  return Buffer.from(rgbaToThumbHash(width, height, firstFrame)).toString('base64');
}
