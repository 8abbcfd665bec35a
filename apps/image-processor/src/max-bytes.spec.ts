import { imageSteps } from '@mediakiln/operations';
import sharp from 'sharp';
import { ImageRuns } from '../../../test/support/image-runs';
import { difference, photo } from '../../../test/support/pictures';

const runs = new ImageRuns();

describe('max_bytes of image.compress', () => {
  it.each([
    ['jpeg', 9_000],
    ['webp', 7_000],
    ['avif', 6_000],
    ['png', 26_000],
  ] as const)('makes a %s of at most %i bytes that still shows the picture', async (format, max_bytes) => {
    const input = await photo();
    const { bytes, report } = await runs.compress(input, { format, quality: 95, max_bytes });
    expect(bytes.length).toBeLessThanOrEqual(max_bytes);
    expect(report).toMatchObject({ kept_original: false, bytes_after: bytes.length });
    expect(report.quality).toBeGreaterThan(1);
    expect(report.quality).toBeLessThan(95);
    expect(report.encodes).toBeLessThanOrEqual(9);
    expect(await difference(input, bytes)).toBeLessThan(16);
  });

  it('leaves the quality alone where the file fits at once', async () => {
    const { report } = await runs.compress(await photo(), { quality: 60, max_bytes: 1_000_000 });
    expect(report).toMatchObject({ quality: 60, encodes: 1 });
  });

  it('gives the original back where it fits and the quality that was asked for would be larger', async () => {
    const input = (await runs.compress(await photo(), { quality: 40 })).bytes;
    const { bytes, report } = await runs.compress(input, { quality: 95, max_bytes: input.length });
    expect(report).toMatchObject({ kept_original: true, quality: 95 });
    expect(bytes.equals(input)).toBe(true);
  });

  it('keeps orientation and profile at every quality', async () => {
    const input = await photo({ orientation: 6, profile: 'p3' });
    const { probe, bytes } = await runs.compress(input, { quality: 90, max_bytes: 12_000 });
    expect(probe).toMatchObject({ orientation: 6, has_icc_profile: true });
    expect(bytes.length).toBeLessThanOrEqual(12_000);
  });

  it('keeps an animation moving', async () => {
    const frames = await Promise.all([1, 2, 3].map((seed) => photo({ seed, width: 160, height: 120 })));
    const input = await sharp(frames, { join: { animated: true } })
      .webp({ quality: 100 })
      .toBuffer();
    const max_bytes = Math.round(input.length / 3);
    const { probe, bytes } = await runs.compress(input, { quality: 100, max_bytes });
    expect(probe.frames).toBe(3);
    expect(bytes.length).toBeLessThanOrEqual(max_bytes);
  });

  it('says what the smallest file would be when none fits', async () => {
    await expect(runs.compress(await photo(), { max_bytes: 100 })).rejects.toMatchObject({
      code: 'size_unreachable',
      detail: expect.stringMatching(/has \d{4,} bytes; max_bytes is 100\./) as string,
    });
  });

  it('holds for the last of several steps', async () => {
    const { bytes, report, probe } = await runs.run(imageSteps, await photo(), {
      steps: [
        { operation: 'image.resize', params: { width: 200 } },
        { operation: 'image.compress', params: { quality: 95, max_bytes: 5_000 } },
      ],
    });
    expect(bytes.length).toBeLessThanOrEqual(5_000);
    expect(probe).toMatchObject({ width: 200, height: 150, format: 'jpeg' });
    expect(report.quality).toBeGreaterThan(1);
    expect(report.kept_original).toBe(false);
  });
});
