import { imageCrop } from '@mediakiln/operations';
import sharp from 'sharp';
import { ImageRuns } from '../../../test/support/image-runs';
import {
  animation,
  asShown,
  cmykJpeg,
  difference,
  photo,
  png16Bit,
  quarters,
} from '../../../test/support/pictures';

const runs = new ImageRuns();
const crop = (image: Buffer, given: object) => runs.run(imageCrop, image, given);
const png = (image: Buffer): Promise<Buffer> => sharp(image).png().toBuffer();

describe('image.crop', () => {
  it('cuts exactly the pixels that were asked for', async () => {
    const input = await png(await photo());
    const { bytes, probe, report } = await crop(input, { left: 31, top: 17, width: 101, height: 67 });
    const piece = sharp(input).extract({ left: 31, top: 17, width: 101, height: 67 });
    expect(await difference(await piece.png().toBuffer(), bytes)).toBe(0);
    expect(probe).toMatchObject({ format: 'png', width: 101, height: 67, bit_depth: 8 });
    expect(report).toMatchObject({ width: 101, height: 67, quality: 100, kept_original: false });
  });

  it.each([
    ['centre', 22, 18],
    ['north', 22, 0],
    ['northeast', 44, 0],
    ['east', 44, 18],
    ['southeast', 44, 36],
    ['south', 22, 36],
    ['southwest', 0, 36],
    ['west', 0, 18],
    ['northwest', 0, 0],
  ])('finds the %s', async (position, left, top) => {
    const input = await png(await photo({ width: 64, height: 48 }));
    const [placed, exact] = [
      await crop(input, { width: 20, height: 12, position }),
      await crop(input, { width: 20, height: 12, left, top }),
    ];
    expect(placed.bytes.equals(exact.bytes)).toBe(true);
  });

  it.each(['attention', 'entropy'])(
    'looks for the part that matters by %s, at its own scale',
    async (position) => {
      const subject = await quarters(40, 30).png().toBuffer();
      const input = await sharp({ create: { width: 300, height: 200, channels: 3, background: '#808080' } })
        .composite([{ input: subject, left: 230, top: 140 }])
        .png()
        .toBuffer();
      const { bytes, probe } = await crop(input, { width: 80, height: 60, position });
      expect(probe).toMatchObject({ width: 80, height: 60 });
      const { pixels } = await asShown(bytes);
      let coloured = 0;
      for (let at = 0; at < pixels.length; at += 3)
        if (Math.max(...pixels.subarray(at, at + 3)) - Math.min(...pixels.subarray(at, at + 3)) > 60)
          coloured++;
      // All of the subject, pixel for pixel, since nothing is scaled.
      expect(coloured).toBe(40 * 30);
    },
  );

  it.each(['gif', 'webp'] as const)('cuts every frame of an animated %s', async (format) => {
    const { bytes, probe } = await crop(await animation(format, 5), {
      width: 10,
      height: 7,
      left: 3,
      top: 2,
    });
    expect(probe).toMatchObject({ format, frames: 5, width: 10, height: 7 });
    expect(await sharp(bytes).metadata()).toMatchObject({ delay: [80, 80, 80, 80, 80], loop: 3 });
  });

  it('takes the whole picture, and a single pixel of it', async () => {
    const input = await png(await photo({ width: 33, height: 21 }));
    expect((await crop(input, { width: 33, height: 21 })).probe).toMatchObject({ width: 33, height: 21 });
    expect((await crop(input, { width: 1, height: 1, left: 32, top: 20 })).probe).toMatchObject({ width: 1 });
  });

  it.each([
    ['Display P3', () => photo({ profile: 'p3' }), true],
    ['CMYK', () => cmykJpeg(true), false],
    ['16 bits', () => png16Bit(), false],
  ])('keeps the colours of %s', async (_, make, has_icc_profile) => {
    const input = await make();
    const { bytes, probe } = await crop(input, { width: 40, height: 20, left: 8, top: 6, format: 'png' });
    expect(probe.has_icc_profile).toBe(has_icc_profile);
    const whole = await asShown(input);
    const expected = await sharp(whole.pixels, {
      raw: { width: whole.width, height: whole.height, channels: 3 },
    })
      .extract({ left: 8, top: 6, width: 40, height: 20 })
      .png()
      .toBuffer();
    expect(await difference(expected, bytes)).toBeLessThan(1.5);
  });
});
