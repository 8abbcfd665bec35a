import { imageWatermark } from '@mediakiln/operations';
import sharp from 'sharp';
import { ImageRuns } from '../../../test/support/image-runs';
import {
  animation,
  asShown,
  cornersOf,
  difference,
  greyWithAlpha,
  halfTransparent,
  photo,
  png16Bit,
  quarters,
} from '../../../test/support/pictures';

const runs = new ImageRuns();
const watermark = (images: Buffer[], given: object = {}) => runs.run(imageWatermark, images, given);
const solid = (background: string, width = 100, height = 100): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();

const decoded = new WeakMap<Buffer, ReturnType<typeof asShown>>();

/** The pixel at these shares of width and height, as a viewer shows it. */
async function pixelAt(image: Buffer, x: number, y: number): Promise<number[]> {
  const shown = decoded.get(image) ?? asShown(image);
  decoded.set(image, shown);
  const { pixels, width, height } = await shown;
  const at = (Math.floor(y * height) * width + Math.floor(x * width)) * 3;
  return [...pixels.subarray(at, at + 3)];
}

describe('image.watermark', () => {
  it.each([
    ['northwest', 0.12, 0.12],
    ['north', 0.5, 0.12],
    ['northeast', 0.88, 0.12],
    ['west', 0.12, 0.5],
    ['centre', 0.5, 0.5],
    ['east', 0.88, 0.5],
    ['southwest', 0.12, 0.88],
    ['south', 0.5, 0.88],
    ['southeast', 0.88, 0.88],
  ])('puts the mark in the %s, and leaves the rest alone', async (position, x, y) => {
    const picture = await solid('#336699', 200, 200);
    const { bytes } = await watermark([picture, await solid('#ff0000', 30, 30)], {
      position,
      opacity: 1,
      scale: 0.2,
    });
    expect(await pixelAt(bytes, x, y)).toEqual([255, 0, 0]);
    for (const [otherX, otherY] of [
      [1 - x, y],
      [x, 1 - y],
      [0.5, 0.3],
      [0.01, 0.01],
      [0.99, 0.99],
    ] as const)
      if (Math.abs(otherX - x) > 0.1 || Math.abs(otherY - y) > 0.1)
        expect(await pixelAt(bytes, otherX, otherY)).toEqual([0x33, 0x66, 0x99]);
  });

  it('sizes the mark by the picture, however large it is itself', async () => {
    const picture = await solid('#000000', 400, 200);
    for (const side of [8, 900]) {
      const { bytes } = await watermark([picture, await solid('#ffffff', side, side)], {
        position: 'northwest',
        scale: 0.5,
        opacity: 1,
        margin: 0,
      });
      const { pixels } = await asShown(bytes);
      // Half of the height is the shorter of the two.
      expect(pixels.filter((value) => value > 128).length / 3).toBe(100 * 100);
    }
  });

  it.each([
    ['an opaque mark', () => solid('#ff0000', 50, 50), 0.5, [128, 0, 127]],
    [
      'a grey one',
      () => solid('#808080', 50, 50).then((mark) => sharp(mark).toColourspace('b-w').png().toBuffer()),
      0.5,
      [64, 64, 191],
    ],
    [
      'greys that are transparent themselves',
      () => greyWithAlpha(50, 50).extract({ left: 40, top: 0, width: 10, height: 50 }).png().toBuffer(),
      1,
      [0, 0, 255],
    ],
    [
      'what is transparent itself',
      () => halfTransparent(50, 50).extract({ left: 0, top: 0, width: 25, height: 50 }).png().toBuffer(),
      0.25,
      [64, 0, 191],
    ],
  ])('lets the picture shine through %s', async (_, make, opacity, expected) => {
    const { bytes } = await watermark([await solid('#0000ff'), await make()], {
      position: 'centre',
      opacity,
    });
    (await pixelAt(bytes, 0.5, 0.5)).forEach((value, channel) =>
      expect(Math.abs(value - expected[channel]!)).toBeLessThanOrEqual(2),
    );
  });

  it('cannot be seen at opacity 0', async () => {
    const picture = await sharp(await photo())
      .png()
      .toBuffer();
    const { bytes } = await watermark([picture, await solid('#ff0000')], { opacity: 0 });
    expect(await difference(picture, bytes)).toBe(0);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('draws a mark of orientation %i upright', async (orientation) => {
    const stored = quarters(orientation >= 5 ? 60 : 80, orientation >= 5 ? 80 : 60);
    const mark = await stored
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .withMetadata({ orientation })
      .toBuffer();
    const { bytes } = await watermark([await solid('#ffffff', 400, 300), mark], {
      scale: 1,
      margin: 0,
      opacity: 1,
    });
    const [made, shown] = [await cornersOf(bytes), await cornersOf(mark)];
    made.forEach((value, index) => expect(Math.abs(value - shown[index]!)).toBeLessThan(8));
  });

  it('repeats the mark over the whole picture', async () => {
    const picture = await solid('#000000', 400, 300);
    const { bytes } = await watermark([picture, await solid('#ffffff')], {
      tile: true,
      scale: 0.1,
      margin: 0.1,
      opacity: 1,
    });
    const { pixels, width, height } = await asShown(bytes);
    const share = pixels.filter((value) => value > 128).length / 3 / (width * height);
    // Marks of 30 in steps of 60.
    expect(Math.abs(share - 0.25)).toBeLessThan(0.04);
    const whole = await watermark([picture, await solid('#ffffff')], {
      tile: true,
      scale: 1,
      margin: 0.4,
      opacity: 1,
    });
    expect(whole.probe).toMatchObject({ width: 400, height: 300 });
  });

  it.each(['gif', 'webp'] as const)('marks every frame of an animated %s', async (format) => {
    const { bytes, probe } = await watermark([await animation(format, 5, 60, 40), await solid('#ff0000')], {
      position: 'centre',
      scale: 0.5,
      opacity: 1,
    });
    expect(probe).toMatchObject({ format, frames: 5, width: 60, height: 40 });
    expect(await sharp(bytes).metadata()).toMatchObject({ delay: [80, 80, 80, 80, 80], loop: 3 });
    for (let page = 0; page < 5; page++) {
      const frame = await sharp(bytes, { page }).png().toBuffer();
      expect((await pixelAt(frame, 0.5, 0.5))[0]).toBeGreaterThan(230);
      expect(Math.abs((await pixelAt(frame, 0.05, 0.05))[0]! - (page % 2 === 0 ? 40 : 200))).toBeLessThan(12);
    }
  });

  it('takes the first frame of an animated mark', async () => {
    const { bytes, probe } = await watermark([await solid('#ff0000'), await animation('gif', 4)], {
      position: 'centre',
      opacity: 1,
      scale: 0.9,
    });
    expect(probe.frames).toBe(1);
    expect((await pixelAt(bytes, 0.5, 0.5)).every((value) => Math.abs(value - 40) < 6)).toBe(true);
  });

  it.each([
    ['a grey picture', () => greyWithAlpha(200, 160).png().toBuffer()],
    ['16 bits', () => png16Bit(200, 160)],
    ['Display P3', () => quarters(200, 160).png().withIccProfile('p3').toBuffer()],
  ])('keeps its own colours on %s', async (_, make) => {
    const picture = await make();
    const { bytes, probe } = await watermark([picture, await solid('#ff8000')], {
      opacity: 1,
      position: 'northwest',
    });
    expect(probe).toMatchObject({ has_icc_profile: false, color_space: 'srgb' });
    (await pixelAt(bytes, 0.1, 0.1)).forEach((value, channel) =>
      expect(Math.abs(value - [255, 128, 0][channel]!)).toBeLessThan(3),
    );
    const [before, after] = [await pixelAt(picture, 0.45, 0.9), await pixelAt(bytes, 0.45, 0.9)];
    after.forEach((value, channel) => expect(Math.abs(value - before[channel]!)).toBeLessThan(4));
  });
});
