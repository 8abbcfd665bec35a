import { imageCrop, imagePlaceholder, imageResize, imageWatermark } from '@mediakiln/operations';
import sharp from 'sharp';
import { thumbHashToApproximateAspectRatio, thumbHashToAverageRGBA, thumbHashToRGBA } from 'thumbhash';
import { ImageRuns } from '../../../test/support/image-runs';
import {
  animation,
  greyWithAlpha,
  halfTransparent,
  photo,
  png16Bit,
  quarters,
} from '../../../test/support/pictures';

const runs = new ImageRuns();
const hashOf = async (image: Buffer): Promise<Buffer> =>
  Buffer.from((await runs.probe(image)).placeholder!, 'base64');
const solid = (background: string) => sharp({ create: { width: 300, height: 200, channels: 3, background } });

describe('the placeholder that a probe makes', () => {
  it.each(['jpeg', 'png', 'webp', 'avif', 'gif'] as const)('has the colour of a %s', async (format) => {
    const { r, g, b, a } = thumbHashToAverageRGBA(
      await hashOf(await solid('#3366cc').toFormat(format).toBuffer()),
    );
    [r - 0x33 / 255, g - 0x66 / 255, b - 0xcc / 255, a - 1].forEach((off) =>
      expect(Math.abs(off)).toBeLessThan(0.06),
    );
  });

  it('shows the quarters of a picture where they are', async () => {
    const { w, h, rgba } = thumbHashToRGBA(await hashOf(await quarters(640, 480).png().toBuffer()));
    const at = (x: number, y: number): number[] => {
      const start = (Math.floor(y * h) * w + Math.floor(x * w)) * 4;
      return [...rgba.subarray(start, start + 3)];
    };
    const [red, green, blue] = [at(0.15, 0.15), at(0.85, 0.15), at(0.15, 0.85)];
    expect(red[0]).toBeGreaterThan(Math.max(red[1]!, red[2]!) + 50);
    expect(green[1]).toBeGreaterThan(Math.max(green[0]!, green[2]!) + 20);
    expect(blue[2]).toBeGreaterThan(Math.max(blue[0]!, blue[1]!) + 50);
  });

  it('is upright', async () => {
    const stored = await quarters(480, 640).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    const shown = await sharp(stored).autoOrient().png().toBuffer();
    const [turned, expected] = [await hashOf(stored), await hashOf(shown)];
    expect(thumbHashToApproximateAspectRatio(turned)).toBeGreaterThan(1);
    const [one, other] = [thumbHashToRGBA(turned).rgba, thumbHashToRGBA(expected).rgba];
    const off = one.reduce((sum, value, index) => sum + Math.abs(value - other[index]!), 0) / one.length;
    expect(off).toBeLessThan(6);
  });

  it.each([
    ['colours', () => halfTransparent(400, 300).png().toBuffer()],
    ['greys', () => greyWithAlpha(400, 300).png().toBuffer()],
  ])('knows of transparent %s', async (_, make) => {
    const { a } = thumbHashToAverageRGBA(await hashOf(await make()));
    expect(Math.abs(a - 0.5)).toBeLessThan(0.1);
  });

  it('takes the first frame of an animation', async () => {
    const { r } = thumbHashToAverageRGBA(await hashOf(await animation('gif', 4, 200, 100)));
    expect(Math.abs(r - 40 / 255)).toBeLessThan(0.05);
  });

  it.each([
    ['one pixel', () => quarters(1, 1).png().toBuffer()],
    ['a line of pixels', () => quarters(10_000, 1).png().toBuffer()],
    ['a column of them', () => quarters(1, 10_000).png().toBuffer()],
    ['16 bits', () => png16Bit()],
  ])('exists for %s', async (_, make) => {
    expect((await hashOf(await make())).length).toBeGreaterThan(4);
  });
});

describe('the placeholder of an output', () => {
  it('is that of the input where the look stays', async () => {
    const { probe, input } = await runs.compress(await photo());
    expect(probe.placeholder).toBe(input.placeholder);
    const resized = await runs.run(imageResize, await photo(), { width: 100 });
    expect(resized.probe.placeholder).toBe(input.placeholder);
    const kept = await runs.compress(
      await sharp(await photo())
        .jpeg({ quality: 5 })
        .toBuffer(),
      { quality: 95 },
    );
    expect(kept.report.kept_original).toBe(true);
    expect(kept.probe.placeholder).toBe(kept.input.placeholder);
  });

  it('is its own where something else is to be seen', async () => {
    const picture = await photo();
    const mark = await solid('#ff0000').png().toBuffer();
    for (const made of [
      await runs.run(imageCrop, picture, { width: 40, height: 40 }),
      await runs.run(imageResize, picture, { width: 100, height: 100, fit: 'fill' }),
      await runs.run(imageWatermark, [picture, mark], { opacity: 1 }),
      await runs.compress(await halfTransparent(300, 200).png().toBuffer(), {
        format: 'jpeg',
        keep_smaller: false,
      }),
    ]) {
      expect(made.probe.placeholder).toBe((await runs.probe(made.bytes)).placeholder);
      expect(made.probe.placeholder).not.toBe(made.input.placeholder);
    }
  });
});

it('image.placeholder reports what the probe finds', async () => {
  const image = await photo({ orientation: 6 });
  const { report, facts } = await runs.look(imagePlaceholder, image);
  expect(report).toEqual({ thumbhash: (await runs.probe(image)).placeholder });
  expect(facts).toEqual(await runs.probe(image));
});
