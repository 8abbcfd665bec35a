import { findOperation } from '@mediakiln/operations';
import sharp from 'sharp';
import { ImageRuns } from '../../../test/support/image-runs';
import { asShown, difference, quarters } from '../../../test/support/pictures';

const runs = new ImageRuns();
const SMALLER = { operation: 'image.compress', params: { quality: 95 } };

/** Every operation that makes a picture, off the middle where it matters. */
const WORK: [string, object][] = [
  ['image.compress', { quality: 95, keep_smaller: false }],
  ['image.compress', { quality: 95, format: 'webp' }],
  ['image.compress', { quality: 95, max_bytes: 5_000, keep_smaller: false }],
  ['image.resize', { width: 60, height: 50, fit: 'cover', position: 'northwest', quality: 95 }],
  ['image.convert', { format: 'png' }],
  ['image.crop', { width: 50, height: 40, left: 20, top: 7, quality: 95 }],
  ['image.crop', { width: 50, height: 40, position: 'attention', quality: 95 }],
  ['image.rotate', { angle: 90, quality: 95 }],
  ['image.rotate', { angle: 20, flip: 'horizontal', quality: 95 }],
  ['image.watermark', { opacity: 1, position: 'east', quality: 95 }],
  ['image.thumbnail', { quality: 95 }],
  [
    'image.steps',
    { steps: [{ operation: 'image.crop', params: { width: 50, height: 40, left: 20, top: 7 } }, SMALLER] },
  ],
];

/** The same picture, stored in the way that each orientation undoes (EXIF 2.32, tag 0x0112). */
async function stored(orientation: number): Promise<Buffer> {
  const { pixels, width, height } = await asShown(await quarters(80, 60).png().toBuffer());
  const swaps = orientation >= 5;
  const turned = Buffer.alloc(pixels.length);
  const size = swaps ? { width: height, height: width } : { width, height };
  for (let y = 0; y < size.height; y++)
    for (let x = 0; x < size.width; x++) {
      const [shownX, shownY] = SHOWN_AT[orientation]!(x, y, width - 1, height - 1);
      turned.set(pixels.subarray((shownY * width + shownX) * 3).subarray(0, 3), (y * size.width + x) * 3);
    }
  return jpegOf(turned, size, orientation);
}

/** Where the stored pixel at x, y is shown; right and bottom are the last column and row of the shown picture. */
const SHOWN_AT: Record<number, (x: number, y: number, right: number, bottom: number) => [number, number]> = {
  1: (x, y) => [x, y],
  2: (x, y, right) => [right - x, y],
  3: (x, y, right, bottom) => [right - x, bottom - y],
  4: (x, y, _, bottom) => [x, bottom - y],
  5: (x, y) => [y, x],
  6: (x, y, right) => [right - y, x],
  7: (x, y, right, bottom) => [right - y, bottom - x],
  8: (x, y, _, bottom) => [y, bottom - x],
};

const jpegOf = (
  pixels: Buffer,
  size: { width: number; height: number },
  orientation: number,
): Promise<Buffer> =>
  sharp(pixels, { raw: { ...size, channels: 3 } })
    .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
    .withMetadata({ orientation })
    .toBuffer();

describe('the eight EXIF orientations', () => {
  it.each(WORK)('come out alike from %s %j', async (name, given) => {
    const operation = findOperation(name)!;
    if (operation.engine !== 'image' || operation.role !== 'transform') throw new Error(name);
    const mark = await stored(6);
    const made: Buffer[] = [];
    for (let orientation = 1; orientation <= 8; orientation++) {
      const image = await stored(orientation);
      made.push((await runs.run(operation, operation.maxInputs === 2 ? [image, mark] : image, given)).bytes);
    }
    const [upright, ...turned] = made;
    for (const one of turned) expect(await difference(upright!, one)).toBeLessThan(3);
  });
});
