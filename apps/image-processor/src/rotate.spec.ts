import { imageRotate } from '@mediakiln/operations';
import sharp from 'sharp';
import { ImageRuns } from '../../../test/support/image-runs';
import {
  animation,
  asShown,
  cornersOf,
  difference,
  halfTransparent,
  photo,
  quarters,
} from '../../../test/support/pictures';

const runs = new ImageRuns();
const rotate = (image: Buffer, given: object) => runs.run(imageRotate, image, given);
const png = (image: Buffer): Promise<Buffer> => sharp(image).png().toBuffer();

type Turn = (x: number, y: number, size: { width: number; height: number }) => [number, number];

/** Where each pixel of the turned picture comes from. */
const TURNS: [object, Turn][] = [
  [{ angle: 90 }, (x, y, { height }) => [y, height - 1 - x]],
  [{ angle: 180 }, (x, y, { width, height }) => [width - 1 - x, height - 1 - y]],
  [{ angle: 270 }, (x, y, { width }) => [width - 1 - y, x]],
  [{ angle: -90 }, (x, y, { width }) => [width - 1 - y, x]],
  [{ flip: 'horizontal' }, (x, y, { width }) => [width - 1 - x, y]],
  [{ flip: 'vertical' }, (x, y, { height }) => [x, height - 1 - y]],
  [{ flip: 'both' }, (x, y, { width, height }) => [width - 1 - x, height - 1 - y]],
  // Mirrored first, then turned.
  [{ flip: 'horizontal', angle: 90 }, (x, y, { width, height }) => [width - 1 - y, height - 1 - x]],
  [{ flip: 'vertical', angle: 90 }, (x, y) => [y, x]],
  [{ angle: 0 }, (x, y) => [x, y]],
];

describe('image.rotate', () => {
  it.each(TURNS)('moves every pixel as it is for %j', async (given, from) => {
    const input = await png(await photo({ width: 37, height: 23 }));
    const { bytes, probe } = await rotate(input, given);
    const [before, after] = [await asShown(input), await asShown(bytes)];
    expect(probe).toMatchObject({
      width: after.width,
      height: after.height,
      orientation: 1,
      has_alpha: false,
    });
    for (let y = 0; y < after.height; y++)
      for (let x = 0; x < after.width; x++) {
        const [fromX, fromY] = from(x, y, before);
        const [to, source] = [(y * after.width + x) * 3, (fromY * before.width + fromX) * 3];
        if (after.pixels.compare(before.pixels, source, source + 3, to, to + 3) !== 0)
          throw new Error(`the pixel at ${x}, ${y} is another`);
      }
  });

  it.each([
    [undefined, [255, 255, 255]],
    ['#3366cc', [0x33, 0x66, 0xcc]],
  ])('grows by the corners at any other angle, painted %s', async (background, expected) => {
    const input = await quarters(200, 100).png().toBuffer();
    const { bytes, probe } = await rotate(input, { angle: 30, background });
    expect(Math.abs(probe.width - (200 * Math.cos(Math.PI / 6) + 50))).toBeLessThan(2);
    expect(Math.abs(probe.height - (100 + 100 * Math.cos(Math.PI / 6)))).toBeLessThan(2);
    const { pixels } = await asShown(bytes);
    for (const corner of [pixels.subarray(0, 3), pixels.subarray(-3)]) expect([...corner]).toEqual(expected);
  });

  it('turns clockwise', async () => {
    const input = await quarters(100, 100).png().toBuffer();
    const middle = (await rotate(input, { angle: 45 })).bytes;
    const { pixels, width } = await asShown(middle);
    const top = [...pixels.subarray((20 * width + Math.floor(width / 2)) * 3).subarray(0, 3)];
    // The red quarter goes from top left to the top.
    expect(top[0]).toBeGreaterThan(Math.max(top[1]!, top[2]!) + 100);
  });

  it('leaves the corners of a transparent picture transparent', async () => {
    const { bytes, probe } = await rotate(await halfTransparent().png().toBuffer(), { angle: 20 });
    expect(probe.has_alpha).toBe(true);
    const { data } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    expect([data[3], data.at(-1)]).toEqual([0, 0]);
  });

  it.each(['gif', 'webp'] as const)('turns an animated %s frame by frame', async (format) => {
    const input = await animation(format, 5);
    const { bytes, probe } = await rotate(input, { angle: 90 });
    expect(probe).toMatchObject({ format, frames: 5, width: 16, height: 24 });
    expect(await sharp(bytes).metadata()).toMatchObject({ delay: [80, 80, 80, 80, 80], loop: 3 });
    for (let page = 0; page < 5; page++) {
      const [level] = await cornersOf(await png(await sharp(bytes, { page }).toBuffer()));
      expect(Math.abs(level! - (page % 2 === 0 ? 40 : 200))).toBeLessThan(6);
    }
    expect((await rotate(input, { angle: 45, flip: 'vertical' })).probe.frames).toBe(5);
  });

  it('keeps a Display P3 photo in its profile', async () => {
    const input = await photo({ profile: 'p3' });
    const { bytes, probe } = await rotate(input, { angle: 180, quality: 95 });
    expect(probe.has_icc_profile).toBe(true);
    expect(
      await difference(await sharp(input).rotate(180).keepIccProfile().png().toBuffer(), bytes),
    ).toBeLessThan(3);
  });

  it.each([0.5, 89.9, 133, 359])(
    'makes about the size that was foreseen for the limits, at %d degrees',
    async (angle) => {
      const input = await quarters(301, 97).png().toBuffer();
      const { probe, input: before } = await rotate(input, { angle });
      const expected = imageRotate.result({ angle, format: 'keep' }, before);
      expect(Math.abs(probe.width - expected.width)).toBeLessThanOrEqual(1);
      expect(Math.abs(probe.height - expected.height)).toBeLessThanOrEqual(1);
    },
  );
});
