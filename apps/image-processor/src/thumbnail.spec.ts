import { imageThumbnail } from '@mediakiln/operations';
import sharp from 'sharp';
import { ImageRuns } from '../../../test/support/image-runs';
import {
  animation,
  asShown,
  cmykJpeg,
  cornersOf,
  difference,
  greyWithAlpha,
  halfTransparent,
  photo,
  png16Bit,
  quarters,
} from '../../../test/support/pictures';

const runs = new ImageRuns();
const thumbnail = (image: Buffer, given: object = {}) => runs.run(imageThumbnail, image, given);

/** The same picture at the size of the thumbnail, made the plain way: in full, turned, in sRGB, then shrunk. */
async function expected(image: Buffer, width: number, height: number): Promise<Buffer> {
  const { pixels, ...size } = await asShown(image);
  return sharp(pixels, { raw: { ...size, channels: 3 } })
    .resize(width, height, { fit: 'fill' })
    .png()
    .toBuffer();
}

describe('image.thumbnail', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('turns orientation %i upright', async (orientation) => {
    const turned = orientation >= 5;
    const stored = quarters(turned ? 480 : 640, turned ? 640 : 480);
    const input = await stored
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .withMetadata({ orientation })
      .toBuffer();
    const { bytes, probe, mime_type, extension } = await thumbnail(input);
    expect([mime_type, extension]).toEqual(['image/webp', 'webp']);
    expect(probe).toMatchObject({
      format: 'webp',
      width: 320,
      height: 240,
      stored_width: 320,
      orientation: 1,
      has_icc_profile: false,
    });
    const [shown, made] = [await cornersOf(input), await cornersOf(bytes)];
    made.forEach((value, index) => expect(Math.abs(value - shown[index]!)).toBeLessThan(12));
  });

  it.each([
    ['a photo in Display P3', () => photo({ profile: 'p3', width: 640, height: 480 }), 320, 240],
    [
      'strong colours in Display P3',
      () => quarters(640, 480).jpeg({ quality: 100 }).withIccProfile('p3').toBuffer(),
      320,
      240,
    ],
    ['CMYK with a profile', () => cmykJpeg(true), 64, 48],
    ['CMYK without', () => cmykJpeg(false), 64, 48],
    ['16 bits', () => png16Bit(640, 160), 320, 80],
    ['transparent greys', () => greyWithAlpha(640, 160).png().toBuffer(), 320, 80],
    ['transparency', () => halfTransparent(640, 480).png().toBuffer(), 320, 240],
    ['AVIF', () => quarters(640, 480).avif({ quality: 90 }).toBuffer(), 320, 240],
    ['GIF', () => quarters(640, 480).gif().toBuffer(), 320, 240],
    ['WebP', () => quarters(640, 480).webp({ quality: 95 }).toBuffer(), 320, 240],
  ])('shows %s in its colours', async (_, make, width, height) => {
    const input = await make();
    const { bytes, probe } = await thumbnail(input, { quality: 95 });
    expect(probe).toMatchObject({ width, height, frames: 1, bit_depth: 8 });
    expect(await difference(await expected(input, width, height), bytes)).toBeLessThan(4);
  });

  it.each(['gif', 'webp'] as const)('takes the first frame of an animated %s', async (format) => {
    const { bytes, probe } = await thumbnail(await animation(format, 5, 64, 48));
    expect(probe).toMatchObject({ frames: 1, width: 64, height: 48 });
    expect((await cornersOf(bytes)).every((value) => Math.abs(value - 40) < 6)).toBe(true);
  });

  it.each([
    [1, 1, 1, 1],
    [1, 10_000, 1, 320],
    [10_000, 1, 320, 1],
    [100, 60, 100, 60],
  ])('makes %i x %i into %i x %i', async (width, height, thumbWidth, thumbHeight) => {
    const input = await quarters(width, height).png().toBuffer();
    for (const format of ['webp', 'jpeg', 'png', 'avif'])
      expect((await thumbnail(input, { format })).probe).toMatchObject({
        format,
        width: thumbWidth,
        height: thumbHeight,
      });
  });

  it('covers the box with the middle of the picture', async () => {
    const input = await quarters(640, 240).png().toBuffer();
    const { bytes, probe } = await thumbnail(input, { width: 100, height: 100, fit: 'cover', quality: 100 });
    expect(probe).toMatchObject({ width: 100, height: 100 });
    const middle = await sharp(input).extract({ left: 200, top: 0, width: 240, height: 240 }).toBuffer();
    expect(await difference(await expected(middle, 100, 100), bytes)).toBeLessThan(4);
  });

  it('keeps transparency in WebP and paints the background in JPEG', async () => {
    const input = await halfTransparent(640, 480).png().toBuffer();
    expect((await thumbnail(input)).probe.has_alpha).toBe(true);
    const { bytes } = await thumbnail(input, { format: 'jpeg', background: '#3366cc', quality: 100 });
    const bottomRight = (await cornersOf(bytes)).slice(-3);
    [0x33, 0x66, 0xcc].forEach((value, index) =>
      expect(Math.abs(value - bottomRight[index]!)).toBeLessThan(6),
    );
  });

  it('carries neither camera nor position along', async () => {
    const { bytes, probe } = await thumbnail(await photo({ gps: true }), { format: 'jpeg' });
    expect(probe.has_gps).toBe(false);
    expect(bytes.includes('Sample camera')).toBe(false);
  });

  it('stays small', async () => {
    const { bytes } = await thumbnail(await photo({ width: 800, height: 600 }));
    expect(bytes.length).toBeLessThan(40_000);
  });
});
