import { imageConvert } from '@mediakiln/operations';
import sharp from 'sharp';
import { ImageRuns } from '../../../test/support/image-runs';
import {
  animation,
  cmykJpeg,
  cornersOf,
  difference,
  halfTransparent,
  photo,
  png16Bit,
  quarters,
} from '../../../test/support/pictures';
import { ImageExecutor } from './image.executor';

const FORMATS = ['jpeg', 'png', 'webp', 'avif', 'gif'] as const;

const runs = new ImageRuns();
const convert = (image: Buffer, given: object) => runs.run(imageConvert, image, given);

describe('image.convert', () => {
  it.each(FORMATS.flatMap((from) => FORMATS.map((to) => [from, to] as const)))(
    'makes %s to %s',
    async (from, to) => {
      const input = await quarters().toFormat(from, { quality: 95 }).toBuffer();
      const { bytes, probe, mime_type, extension } = await convert(input, { format: to });
      expect(probe).toMatchObject({ format: to, width: 64, height: 48, frames: 1 });
      expect([mime_type, extension]).toEqual([`image/${to}`, to === 'jpeg' ? 'jpg' : to]);
      expect(await difference(input, bytes)).toBeLessThan(5);
    },
  );

  it.each(FORMATS)('shows CMYK in its colours as %s', async (format) => {
    for (const profiled of [true, false]) {
      const input = await cmykJpeg(profiled);
      const { bytes, probe } = await convert(input, { format });
      expect(probe).toMatchObject({ color_space: 'srgb', has_icc_profile: false });
      expect(await difference(input, bytes)).toBeLessThan(5);
    }
  });

  it.each(FORMATS)('shows Display P3 in its colours as %s', async (format) => {
    const input = await quarters().jpeg({ quality: 100 }).withIccProfile('p3').toBuffer();
    const { bytes, probe } = await convert(input, { format });
    expect(probe.has_icc_profile).toBe(format !== 'gif');
    expect(await difference(input, bytes)).toBeLessThan(5);
  });

  it.each(FORMATS)('turns the picture upright in %s', async (format) => {
    for (const orientation of [3, 6]) {
      const input = await photo({ orientation, width: 96, height: 64 });
      const { bytes, probe } = await convert(input, { format });
      expect(probe).toMatchObject({ orientation: 1, stored_width: 96, stored_height: 64 });
      expect(await difference(input, bytes)).toBeLessThan(9);
    }
  });

  it.each(['png', 'webp', 'avif'] as const)('loses nothing in %s when asked to', async (format) => {
    const input = await quarters(65, 33)
      .composite([{ input: await noise() }])
      .png()
      .toBuffer();
    const { bytes, report } = await convert(input, { format, lossless: true });
    expect(report).toMatchObject({ lossless: true, quality: null });
    expect(await difference(input, bytes)).toBe(0);
  });

  const noise = (): Promise<Buffer> =>
    sharp({
      create: {
        width: 32,
        height: 32,
        channels: 3,
        background: '#000',
        noise: { type: 'gaussian', mean: 128, sigma: 50 },
      },
    })
      .png()
      .toBuffer();

  it('loses nothing in PNG without being asked, and makes it smaller with a palette', async () => {
    const input = await photo();
    const full = await convert(input, { format: 'png' });
    const palette = await convert(input, { format: 'png', quality: 80 });
    expect(await difference(input, full.bytes)).toBe(0);
    expect(palette.bytes.length).toBeLessThan(full.bytes.length / 2);
    expect((await sharp(palette.bytes).metadata()).isPalette).toBe(true);
  });

  it.each(['jpeg', 'webp', 'avif'] as const)('makes %s smaller with less quality', async (format) => {
    const input = await photo();
    const [poor, good] = [
      await convert(input, { format, quality: 20 }),
      await convert(input, { format, quality: 90 }),
    ];
    expect(poor.bytes.length).toBeLessThan(good.bytes.length / 2);
  });

  it.each(['jpeg', 'png'] as const)('writes a progressive %s when asked to', async (format) => {
    const input = await photo();
    expect((await convert(input, { format, progressive: true })).probe.is_progressive).toBe(true);
    expect((await convert(input, { format })).probe.is_progressive).toBe(false);
  });

  it('spends more effort without making a JPEG progressive, when asked for both', async () => {
    const input = await photo();
    const [fast, small, scans] = [
      await convert(input, { format: 'jpeg' }),
      await convert(input, { format: 'jpeg', effort: 'small', progressive: false }),
      await convert(input, { format: 'jpeg', effort: 'small' }),
    ];
    expect([small.probe.is_progressive, scans.probe.is_progressive]).toEqual([false, true]);
    expect(small.bytes.length).toBeLessThan(fast.bytes.length);
  });

  it('spends more effort on a smaller file', async () => {
    const input = await photo();
    const fast = await convert(input, { format: 'jpeg' });
    const small = await convert(input, { format: 'jpeg', effort: 'small' });
    expect(small.bytes.length).toBeLessThan(fast.bytes.length);
  });

  it.each([
    ['white', {}, [255, 255, 255]],
    ['the background', { background: '#3366cc' }, [0x33, 0x66, 0xcc]],
  ])('paints %s behind transparency in JPEG', async (_, given, expected) => {
    const input = await halfTransparent().png().toBuffer();
    const { bytes } = await convert(input, { format: 'jpeg', ...given });
    (await cornersOf(bytes))
      .slice(-3)
      .forEach((value, index) => expect(Math.abs(value - expected[index]!)).toBeLessThan(8));
  });

  it.each(['png', 'webp', 'avif', 'gif'] as const)('keeps transparency in %s', async (format) => {
    const { bytes, probe } = await convert(await halfTransparent().png().toBuffer(), { format });
    expect(probe.has_alpha).toBe(true);
    const pixels = await sharp(bytes).ensureAlpha().raw().toBuffer();
    expect([pixels[3], pixels.at(-1)]).toEqual([255, 0]);
  });

  it.each([
    ['gif', 'webp'],
    ['webp', 'gif'],
    ['gif', 'gif'],
  ] as const)('keeps an animated %s moving as %s', async (from, to) => {
    const { bytes, probe, report } = await convert(await animation(from, 5), { format: to });
    expect(probe).toMatchObject({ format: to, frames: 5, width: 24, height: 16 });
    expect(report.frames_left_out).toBe(0);
    expect(await sharp(bytes).metadata()).toMatchObject({ delay: [80, 80, 80, 80, 80], loop: 3 });
  });

  it.each([
    ['jpeg', {}],
    ['png', {}],
    ['avif', {}],
    ['webp', { first_frame: true }],
  ] as const)('takes the first frame of an animation to %s, and says so', async (format, more) => {
    const { bytes, probe, report } = await convert(await animation('gif', 5), { format, ...more });
    expect(probe).toMatchObject({ format, frames: 1, width: 24, height: 16 });
    expect(report).toMatchObject({ frames_left_out: 4 });
    expect((await cornersOf(bytes)).every((value) => Math.abs(value - 40) < 8)).toBe(true);
  });

  it('shows 16 bits right in 8', async () => {
    const input = await png16Bit();
    const { bytes, probe } = await convert(input, { format: 'png' });
    expect(probe.bit_depth).toBe(8);
    expect(await difference(input, bytes)).toBeLessThan(1.5);
  });

  it('leaves camera and position behind', async () => {
    const { bytes, probe } = await convert(await photo({ gps: true }), { format: 'jpeg' });
    expect(probe.has_gps).toBe(false);
    expect(bytes.includes('Sample camera')).toBe(false);
  });
});

describe('an engine', () => {
  it('that lacks a format refuses it for good, by name', async () => {
    class Poor extends ImageExecutor {
      protected override readonly encoders = new Set(['jpeg', 'png']);
    }
    const poor = new ImageRuns(new Poor());
    const input = await quarters().png().toBuffer();
    expect((await poor.executor.engines()).encoders).toEqual(['jpeg', 'png']);
    expect((await poor.run(imageConvert, input, { format: 'jpeg' })).probe.format).toBe('jpeg');
    await expect(poor.run(imageConvert, input, { format: 'avif' })).rejects.toMatchObject({
      code: 'encoder_missing',
      retryable: false,
      detail: expect.stringMatching(/^libvips \S+ of this server was built without AVIF$/) as string,
    });
  });

  it('that takes longer than the operation allows ends as job_timeout', async () => {
    const input = await sharp({
      create: {
        width: 3000,
        height: 3000,
        channels: 3,
        background: '#000',
        noise: { type: 'gaussian', mean: 128, sigma: 50 },
      },
    })
      .png({ compressionLevel: 0 })
      .toBuffer();
    const hurried = { ...imageConvert, timeoutSeconds: () => 1 };
    await expect(runs.run(hurried, input, { format: 'png' })).rejects.toMatchObject({
      code: 'job_timeout',
      detail: 'The work on this image took more than 1 s',
    });
  });
});
