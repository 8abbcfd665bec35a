import type { ImageProbe } from '@mediakiln/contracts';
import { fittedSize } from '@mediakiln/operations';
import { rgbaToThumbHash } from 'thumbhash';
import { openImage } from './engine';

/** The most that a ThumbHash is made of. A large JPEG is decoded to an eighth, which skips the costly transform. */
const SIDE = 100;

/**
 * Decodes the whole picture, all frames, which shows whether it is sound; throws what the decoder throws.
 * @returns its ThumbHash in base64, of the first frame as shown. Undefined for an animation that is turned by EXIF:
 * libvips cannot turn it.
 */
export async function placeholderOf(image: string | Buffer, probe: ImageProbe): Promise<string | undefined> {
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
    .toBuffer({ resolveWithObject: true });
  if (isAnimated && probe.orientation !== 1) return undefined;
  const { channels } = pixels.info;
  const firstFrame = pixels.data.subarray(0, width * height * channels);
  const rgba = channels === 2 ? inColor(firstFrame) : firstFrame;
  return Buffer.from(rgbaToThumbHash(width, height, rgba)).toString('base64');
}

function inColor(greyAlpha: Buffer): Buffer {
  const rgba = Buffer.alloc(greyAlpha.length * 2);
  for (let at = 0; at < greyAlpha.length; at += 2) {
    rgba.fill(greyAlpha[at]!, at * 2, at * 2 + 3);
    rgba[at * 2 + 3] = greyAlpha[at + 1]!;
  }
  return rgba;
}
