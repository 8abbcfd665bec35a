import { type ImageStepParams, findOperation, imageSteps } from '@mediakiln/operations';
import sharp from 'sharp';
import { ImageRuns } from '../../../test/support/image-runs';
import {
  animation,
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
const PNG = { format: 'png' };

const step = (operation: string, params: object = {}): ImageStepParams => ({
  operation: `image.${operation}`,
  params,
});

const fused = (images: Buffer | Buffer[], steps: ImageStepParams[]) =>
  runs.run(imageSteps, images, { steps });

/** The same steps as jobs of their own, each on the file that the one before it wrote. */
async function oneByOne([first, ...layers]: Buffer[], steps: readonly ImageStepParams[]): Promise<Buffer> {
  let image = first!;
  for (const { operation, params } of steps) {
    const found = findOperation(operation)!;
    if (found.engine !== 'image' || found.role !== 'transform') throw new Error(operation);
    image = (await runs.run(found, found.maxInputs > 1 ? [image, ...layers] : image, params ?? {})).bytes;
  }
  return image;
}

/** All frames of a file one below the other, as they are stored. */
const roll = (image: Buffer) =>
  sharp(image, { animated: true, ignoreIcc: true }).ensureAlpha().raw().toBuffer({ resolveWithObject: true });

async function expectSamePixels(one: Buffer, other: Buffer): Promise<void> {
  const [a, b] = [await roll(one), await roll(other)];
  expect([a.info.width, a.info.height]).toEqual([b.info.width, b.info.height]);
  let off = 0;
  a.data.forEach((value, index) => (off = Math.max(off, Math.abs(value - b.data[index]!))));
  expect(off).toBe(0);
}

describe('image.steps', () => {
  const chain = [
    step('resize', { width: 90, height: 70, fit: 'cover', quality: 100 }),
    step('crop', { width: 61, height: 47, position: 'northeast' }),
    step('rotate', { angle: 90, flip: 'horizontal' }),
    step('rotate', { angle: 12, background: '#3366cc' }),
  ];

  it.each([
    [
      'a photo',
      async () =>
        sharp(await photo())
          .png()
          .toBuffer(),
    ],
    ['a photo in Display P3', () => quarters(200, 150).png().withIccProfile('p3').toBuffer()],
    ['16 bits', () => png16Bit(200, 150)],
    ['transparency', () => halfTransparent(200, 150).png().toBuffer()],
    ['transparent greys', () => greyWithAlpha(200, 150).png().toBuffer()],
    [
      'greys',
      async () =>
        sharp(await photo())
          .toColourspace('b-w')
          .png()
          .toBuffer(),
    ],
  ])('makes of %s the very pixels that its steps make one by one', async (_, make) => {
    const input = await make();
    const made = await fused(input, chain);
    const expected = await oneByOne([input], chain);
    await expectSamePixels(made.bytes, expected);
    const [probe, alone] = [made.probe, await runs.probe(expected)];
    for (const fact of ['has_icc_profile', 'color_space', 'channels', 'bit_depth', 'has_alpha'] as const)
      expect([fact, probe[fact]]).toEqual([fact, alone[fact]]);
  });

  it('paints what a format in between cannot hold, as its file would', async () => {
    const input = await halfTransparent(80, 60).png().toBuffer();
    const steps = [
      step('resize', { width: 40, format: 'jpeg', quality: 100, background: '#3366cc' }),
      step('convert', PNG),
    ];
    const { bytes, probe } = await fused(input, steps);
    expect(probe.has_alpha).toBe(false);
    expect(await difference(await oneByOne([input], steps), bytes)).toBeLessThan(3);
  });

  it.each([true, false])('shows CMYK in its colours (profile: %s)', async (profiled) => {
    const input = await cmykJpeg(profiled);
    const { bytes } = await fused(input, [
      step('rotate', { angle: 180 }),
      step('rotate', { ...PNG, angle: 180 }),
    ]);
    expect(await difference(input, bytes)).toBeLessThan(3);
  });

  it('puts the mark on in the middle of it', async () => {
    const mark = await quarters(30, 20).png().toBuffer();
    const input = await sharp(await photo())
      .png()
      .toBuffer();
    const steps = [
      step('resize', { width: 200, quality: 100 }),
      step('watermark', { opacity: 0.7 }),
      step('crop', { width: 120, height: 90, position: 'southeast' }),
    ];
    await expectSamePixels((await fused([input, mark], steps)).bytes, await oneByOne([input, mark], steps));
  });

  it('takes each mark from the input that its step names', async () => {
    const [red, blue] = await Promise.all(
      ['#ff0000', '#0000ff'].map((background) =>
        sharp({ create: { width: 9, height: 9, channels: 3, background } })
          .png()
          .toBuffer(),
      ),
    );
    const white = await sharp({ create: { width: 90, height: 90, channels: 3, background: '#ffffff' } })
      .png()
      .toBuffer();
    const mark = (position: string, input: number): ImageStepParams => ({
      ...step('watermark', { position, opacity: 1, margin: 0, scale: 0.3 }),
      input,
    });
    const { bytes } = await fused([white, red!, blue!], [mark('northwest', 2), mark('southeast', 1)]);
    const corners = await cornersOf(bytes);
    expect(corners).toEqual([0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0]);
  });

  it.each(['gif', 'webp'] as const)('moves an animated %s through every step', async (format) => {
    const input = await animation(format, 5, 60, 40);
    const steps = [
      step('rotate', { angle: 90 }),
      step('crop', { width: 30, height: 30, position: 'north' }),
      step('resize', { width: 20, quality: 100 }),
      step('convert', { format: 'webp', lossless: true }),
    ];
    const { bytes, probe } = await fused(input, steps);
    expect(probe).toMatchObject({ format: 'webp', frames: 5, width: 20, height: 20 });
    expect(await sharp(bytes).metadata()).toMatchObject({ delay: [80, 80, 80, 80, 80], loop: 3 });
    if (format === 'gif') await expectSamePixels(bytes, await oneByOne([input], steps));
  });

  it('takes the first frame when a later step cannot show more', async () => {
    const { bytes, probe } = await fused(await animation('gif', 5, 60, 40), [
      step('rotate', { angle: 90 }),
      step('compress', { format: 'jpeg' }),
    ]);
    expect(probe).toMatchObject({ format: 'jpeg', frames: 1, width: 40, height: 60 });
    expect((await cornersOf(bytes)).every((value) => Math.abs(value - 40) < 6)).toBe(true);
  });

  it('never gives the input back, however small it is', async () => {
    const input = await sharp(await photo())
      .jpeg({ quality: 3 })
      .toBuffer();
    const { report, probe } = await fused(input, [
      step('crop', { width: 300, height: 200 }),
      step('compress', { quality: 100 }),
    ]);
    expect(report).toMatchObject({ kept_original: false, steps: ['image.crop', 'image.compress'] });
    expect(probe).toMatchObject({ width: 300, height: 200 });
  });

  it('carries neither camera nor position along', async () => {
    const { bytes, probe } = await fused(await photo({ gps: true, orientation: 6 }), [
      step('crop', { width: 200, height: 200 }),
      step('compress'),
    ]);
    expect(probe).toMatchObject({ has_gps: false, orientation: 1 });
    expect(bytes.includes('Sample camera')).toBe(false);
  });
});
