import sharp from 'sharp';
import { ImageRuns } from '../../../test/support/image-runs';
import {
  animation,
  asShown,
  cmykJpeg,
  difference,
  greyWithAlpha,
  halfTransparent,
  photo,
  png16Bit,
  quarters,
} from '../../../test/support/pictures';

/** Mean difference per channel that JPEG at quality 90 may cause on our pictures; a wrong profile causes 5 and more. */
const SAME = 3.5;

const runs = new ImageRuns();

describe('image.compress on JPEG', () => {
  it('takes the fast path, keeps the profile and every colour of a Display P3 photo', async () => {
    const input = await photo({ profile: 'p3' });
    const { bytes, probe, report } = await runs.compress(input, { quality: 85 });
    expect(report).toMatchObject({ fast_path: true, kept_original: false });
    expect(bytes.length).toBeLessThan(input.length);
    expect(probe).toMatchObject({ format: 'jpeg', has_icc_profile: true });
    expect((await sharp(bytes).metadata()).icc).toEqual((await sharp(input).metadata()).icc);
    expect(await difference(input, bytes)).toBeLessThan(SAME);
  });

  it('keeps strong Display P3 colours, which look different when the profile is lost', async () => {
    const input = await quarters().jpeg({ quality: 100 }).withIccProfile('p3').toBuffer();
    const { bytes } = await runs.compress(input, { quality: 85 });
    const withoutProfile = await sharp(bytes, { ignoreIcc: true }).jpeg({ quality: 100 }).toBuffer();
    expect(await difference(input, bytes)).toBeLessThan(SAME);
    expect(await difference(input, withoutProfile)).toBeGreaterThan(SAME);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'shows orientation %i as it was, by its tag alone',
    async (orientation) => {
      const input = await photo({ orientation, width: 96, height: 64, seed: 3 });
      const { bytes, probe } = await runs.compress(input, { quality: 92, keep_smaller: false });
      expect(probe).toMatchObject({ orientation, width: 96, height: 64 });
      expect(await difference(input, bytes)).toBeLessThan(SAME);
    },
  );

  it.each([2, 5, 6, 8])(
    'turns the pixels of orientation %i for a format without the tag',
    async (orientation) => {
      const input = await photo({ orientation, width: 96, height: 64 });
      const { bytes, probe } = await runs.compress(input, { quality: 95, format: 'webp' });
      expect(probe).toMatchObject({ format: 'webp', orientation: 1, stored_width: 96, stored_height: 64 });
      expect(await difference(input, bytes)).toBeLessThan(SAME);
    },
  );

  it('drops the GPS position and all other EXIF but the orientation', async () => {
    const input = await photo({ gps: true, orientation: 6 });
    const { bytes, probe, input: before } = await runs.compress(input);
    expect(before.has_gps).toBe(true);
    expect(probe).toMatchObject({ has_gps: false, orientation: 6 });
    expect(bytes.includes('Sample camera')).toBe(false);
  });

  it('keeps EXIF when asked to', async () => {
    const { bytes, probe } = await runs.compress(await photo({ gps: true, orientation: 6 }), {
      keep_metadata: true,
    });
    expect(probe).toMatchObject({ has_gps: true, orientation: 6 });
    expect(bytes.includes('Sample camera')).toBe(true);
  });

  it.each([true, false])('shows CMYK in its colours (profile: %s), off the fast path', async (profiled) => {
    const input = await cmykJpeg(profiled);
    const { bytes, probe, report } = await runs.compress(input, { quality: 95, keep_smaller: false });
    expect(report.fast_path).toBe(false);
    expect(probe).toMatchObject({ color_space: 'srgb', channels: 3, has_icc_profile: false });
    expect(await difference(input, bytes)).toBeLessThan(SAME);
  });

  it.each([
    ['names another colour space', -20, -16],
    ['has damaged tables', 400, 1400],
  ])('shows CMYK as plain CMYK when its profile %s', async (_, from, to) => {
    const input = await cmykJpeg(true);
    const signature = input.indexOf('acsp');
    input.fill('RGB ', signature + from, signature + to);
    const { bytes, probe } = await runs.compress(input, { quality: 95, keep_smaller: false });
    expect(probe).toMatchObject({ color_space: 'srgb', has_icc_profile: false });
    expect(await difference(await sharp(input, { ignoreIcc: true }).png().toBuffer(), bytes)).toBeLessThan(
      SAME,
    );
  });

  it('leaves a greyscale photo greyscale', async () => {
    const input = await sharp(await photo())
      .toColourspace('b-w')
      .jpeg({ quality: 100 })
      .toBuffer();
    const { bytes, probe } = await runs.compress(input, { quality: 85 });
    expect(probe).toMatchObject({ color_space: 'b-w', channels: 1 });
    expect(await difference(input, bytes)).toBeLessThan(SAME);
  });

  it('makes a smaller file of the same look with more effort', async () => {
    const input = await photo();
    const fast = await runs.compress(input, { quality: 70 });
    const small = await runs.compress(input, { quality: 70, effort: 'small' });
    expect(small.bytes.length).toBeLessThan(fast.bytes.length);
    expect(await difference(input, small.bytes)).toBeLessThan(2 * SAME);
  });
});

describe('image.compress on transparency', () => {
  it.each([
    ['#ffffff', [255, 255, 255]],
    ['#3366cc', [0x33, 0x66, 0xcc]],
  ])('paints %s behind it when the target has none', async (background, expected) => {
    const input = await halfTransparent().png().toBuffer();
    const { bytes } = await runs.compress(input, {
      format: 'jpeg',
      background,
      keep_smaller: false,
      quality: 95,
    });
    const { pixels } = await asShown(bytes);
    [...pixels.subarray(-3)].forEach((value, channel) =>
      expect(Math.abs(value - expected[channel]!)).toBeLessThan(8),
    );
  });

  it('paints a colour behind a greyscale picture in that colour', async () => {
    const input = await greyWithAlpha().png().toBuffer();
    const { bytes } = await runs.compress(input, {
      format: 'jpeg',
      background: '#ff0000',
      keep_smaller: false,
      quality: 95,
    });
    const [red, green] = (await asShown(bytes)).pixels.subarray(-3);
    expect(red).toBeGreaterThan(230);
    expect(green).toBeLessThan(25);
  });

  it.each(['png', 'webp', 'avif'] as const)('stays in %s', async (format) => {
    const input = await halfTransparent(200, 160).png({ compressionLevel: 0 }).toBuffer();
    const { bytes, probe } = await runs.compress(input, { format, quality: 90 });
    expect(probe).toMatchObject({ format, has_alpha: true });
    const pixels = await sharp(bytes).ensureAlpha().raw().toBuffer();
    expect(pixels[3]).toBe(255);
    expect(pixels.at(-1)).toBe(0);
  });
});

describe('image.compress on other pictures', () => {
  it('makes a PNG smaller with a palette, and lossless at quality 100', async () => {
    const input = await sharp(await photo())
      .png({ compressionLevel: 6 })
      .toBuffer();
    const palette = await runs.compress(input, { quality: 80 });
    const lossless = await runs.compress(input, { quality: 100 });
    expect(palette.bytes.length).toBeLessThan(input.length / 2);
    expect(await difference(input, palette.bytes)).toBeLessThan(8);
    expect(lossless.bytes.length).toBeLessThanOrEqual(input.length);
    expect(await difference(input, lossless.bytes)).toBe(0);
  });

  it.each(['jpeg', 'png', 'webp', 'avif'] as const)('shows a 16-bit picture right as %s', async (format) => {
    const input = await png16Bit();
    const {
      bytes,
      probe,
      input: before,
    } = await runs.compress(input, {
      format,
      quality: 90,
      keep_smaller: false,
    });
    expect(before.bit_depth).toBe(16);
    expect(probe.bit_depth).toBeLessThanOrEqual(8);
    expect(await difference(input, bytes)).toBeLessThan(4);
  });

  it.each(['webp', 'avif', 'png'] as const)('carries a Display P3 profile over into %s', async (format) => {
    const input = await photo({ profile: 'p3', orientation: 1 });
    const { bytes, probe } = await runs.compress(input, { format, quality: 95, keep_smaller: false });
    expect(probe.has_icc_profile).toBe(true);
    expect(await difference(input, bytes)).toBeLessThan(format === 'png' ? 6 : SAME);
  });

  it.each(['gif', 'webp'] as const)('keeps an animated %s moving: frames, delays, loops', async (format) => {
    const { bytes, probe } = await runs.compress(await animation(format, 5), { keep_smaller: false });
    expect(probe).toMatchObject({ format, frames: 5, width: 24, height: 16 });
    expect(await sharp(bytes).metadata()).toMatchObject({ delay: [80, 80, 80, 80, 80], loop: 3 });
  });

  it('turns an animated GIF into an animated WebP', async () => {
    const { probe } = await runs.compress(await animation('gif', 5), { format: 'webp', keep_smaller: false });
    expect(probe).toMatchObject({ format: 'webp', frames: 5 });
  });

  it('takes the first frame when asked to, even where the whole would be smaller', async () => {
    const { probe, report } = await runs.compress(await animation('gif', 5), { first_frame: true });
    expect(probe).toMatchObject({ format: 'gif', frames: 1 });
    expect(report.kept_original).toBe(false);
  });

  it.each(['jpeg', 'png', 'webp', 'avif'] as const)('takes a single pixel to %s', async (format) => {
    const input = await quarters(1, 1).png().toBuffer();
    const { probe } = await runs.compress(input, { format, keep_smaller: false });
    expect(probe).toMatchObject({ format, width: 1, height: 1 });
  });

  it.each(['jpeg', 'png', 'webp', 'avif'] as const)(
    'drops a damaged profile on the way to %s',
    async (format) => {
      const input = await quarters().jpeg({ quality: 100 }).withIccProfile('p3').toBuffer();
      input.fill(0xff, input.indexOf('acsp') + 92, input.indexOf('acsp') + 120);
      const { probe, input: before } = await runs.compress(input, { format, keep_smaller: false });
      expect(before.has_icc_profile).toBe(false);
      expect(probe).toMatchObject({ format, has_icc_profile: false });
    },
  );

  it('takes odd sizes', async () => {
    const { probe } = await runs.compress(await photo({ width: 333, height: 77 }));
    expect(probe).toMatchObject({ width: 333, height: 77 });
  });
});
