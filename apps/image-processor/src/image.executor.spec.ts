import { AppError, type ErrorCode } from '@mediakiln/contracts';
import { MAX_IMAGE_FRAMES } from '@mediakiln/operations';
import sharp from 'sharp';
import { ImageRuns } from '../../../test/support/image-runs';
import {
  SVG,
  TEXT,
  avifBomb,
  cutOff,
  difference,
  gifBomb,
  photo,
  pngBomb,
  quarters,
} from '../../../test/support/pictures';

const runs = new ImageRuns();
const heldRuns = new ImageRuns(runs.executor, true);

async function failureOf(work: Promise<unknown>): Promise<AppError> {
  const outcome = await work.then(
    () => new Error('it succeeded'),
    (error: unknown) => error,
  );
  if (outcome instanceof AppError) return outcome;
  throw outcome;
}

const FORMATS = ['jpeg', 'png', 'webp', 'gif', 'avif'] as const;
const encoded = (format: (typeof FORMATS)[number], width = 160, height = 120): Promise<Buffer> =>
  photo({ width, height }).then((jpeg) => sharp(jpeg).toFormat(format).toBuffer());

/** A file that starts like a PNG, so that our sniff lets it through to the engine. */
const disguised = (content: Buffer): Buffer =>
  Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), content]);

describe('the probe', () => {
  it('tells what a photo is', async () => {
    expect(await runs.probe(await photo({ orientation: 6, gps: true }))).toEqual({
      kind: 'image',
      format: 'jpeg',
      stored_width: 240,
      stored_height: 320,
      width: 320,
      height: 240,
      orientation: 6,
      frames: 1,
      has_alpha: false,
      has_icc_profile: true,
      color_space: 'srgb',
      bit_depth: 8,
      channels: 3,
      is_progressive: false,
      has_gps: true,
      placeholder: expect.stringMatching(/^[\w+/]{20,36}=*$/) as string,
    });
  });

  it.each(FORMATS)('refuses a %s that was cut off, as truncated', async (format) => {
    const whole = await encoded(format);
    expect((await runs.probe(whole)).format).toBe(format);
    for (const share of [0.2, 0.6, 0.95])
      expect((await failureOf(runs.probe(cutOff(whole, share)))).code).toBe('image_truncated');
  });

  it.each(FORMATS)('says the same of a %s in memory', async (format) => {
    const whole = await encoded(format);
    expect(await heldRuns.probe(whole)).toEqual(await runs.probe(whole));
    for (const share of [0.2, 0.6, 0.95])
      expect((await failureOf(heldRuns.probe(cutOff(whole, share)))).code).toBe('image_truncated');
  });

  it.each(FORMATS)(
    'gives a %s with damaged bytes facts or one of its codes, never another',
    async (format) => {
      const whole = await encoded(format, 64, 48);
      const allowed: ErrorCode[] = [
        'image_corrupt',
        'image_truncated',
        'image_too_large',
        'too_many_frames',
        'unsupported_media_type',
      ];
      for (let seed = 1; seed <= 40; seed++) {
        const damaged = Buffer.from(whole);
        for (let hit = 0; hit < 8; hit++)
          damaged[16 + ((seed * 7919 + hit * 104_729) % (whole.length - 16))]! ^= seed;
        const outcome = await runs.probe(damaged).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(allowed).toContain((outcome as AppError).code);
      }
    },
  );

  it('calls a picture with scrambled data corrupt, not truncated', async () => {
    const png = await encoded('png');
    png.fill(0x5a, 200, png.length - 200);
    expect((await failureOf(runs.probe(png))).code).toBe('image_corrupt');
  });

  it.each([
    ['a PNG', pngBomb(17_000, 17_000)],
    ['an AVIF', avifBomb(17_000, 17_000)],
  ])('refuses %s of 289 megapixels and names the limit and the size', async (_, bomb) => {
    const failure = await failureOf(runs.probe(await bomb));
    expect(failure.code).toBe('image_too_large');
    expect(failure.detail).toContain('17000x17000, 289000000 pixels; at most 50000000');
  });

  it('refuses a hundred bombs at once without taking their memory', async () => {
    const bombs = [pngBomb(65_000, 65_000), await avifBomb(17_000, 17_000), gifBomb(1900, 1900, 150)];
    await failureOf(runs.probe(bombs[1]!)); // the decoder's own start is no growth
    const before = process.memoryUsage.rss();
    let most = before;
    const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 1);
    const failures = await Promise.all(
      Array.from({ length: 100 }, (_, n) => failureOf(runs.probe(bombs[n % bombs.length]!))),
    );
    clearInterval(timer);
    expect(new Set(failures.map((failure) => failure.code))).toEqual(new Set(['image_too_large']));
    expect(most - before).toBeLessThan(100 << 20);
  });

  it('counts the pixels of all frames', async () => {
    const failure = await failureOf(runs.probe(gifBomb(1000, 900, 60)));
    expect(failure.code).toBe('image_too_large');
    expect(failure.detail).toContain('1000x900 in 60 frames, 54000000 pixels');
  });

  it('takes as many frames as the limit says', async () => {
    expect((await runs.probe(gifBomb(2, 2, MAX_IMAGE_FRAMES))).frames).toBe(MAX_IMAGE_FRAMES);
  });

  it('refuses too many frames and names the limit', async () => {
    const failure = await failureOf(runs.probe(gifBomb(2, 2, MAX_IMAGE_FRAMES + 1)));
    expect(failure.code).toBe('too_many_frames');
    expect(failure.detail).toContain('201 frames; at most 200');
  });

  it.each([
    ['an SVG', disguised(SVG)],
    ['a text', disguised(TEXT)],
    ['nothing else', disguised(Buffer.alloc(0))],
  ])('refuses %s behind the first bytes of a PNG', async (_, content) => {
    expect(['unsupported_media_type', 'image_corrupt', 'image_truncated']).toContain(
      (await failureOf(runs.probe(content))).code,
    );
  });

  it('refuses a file that is another format than its sniff said', async () => {
    const facts = runs.executor.operations.find((operation) => operation.name === 'image.probe');
    if (facts?.role !== 'facts') throw new Error('image.probe is missing');
    const metadata = await sharp(await photo()).metadata();
    expect(() => facts.facts(metadata, 'png')).toThrow(
      expect.objectContaining({ code: 'unsupported_media_type' }),
    );
  });
});

describe('the output', () => {
  it('is the input itself, byte for byte, when nothing smaller comes out', async () => {
    const input = await quarters().webp({ quality: 1 }).toBuffer();
    const { bytes, report } = await runs.compress(input, { quality: 100 });
    expect(bytes).toEqual(input);
    expect(report).toMatchObject({ kept_original: true, saved_percent: 0, format: 'webp' });
  });

  it('may be larger when that was asked for', async () => {
    const input = await quarters().webp({ quality: 1 }).toBuffer();
    const { bytes, report } = await runs.compress(input, { quality: 100, keep_smaller: false });
    expect(bytes.length).toBeGreaterThan(input.length);
    expect(report.kept_original).toBe(false);
    expect(report.saved_percent).toBeLessThan(0);
  });

  it.each(['jpeg', 'png', 'webp', 'avif', 'gif'] as const)(
    'is never larger than its %s input',
    async (format) => {
      const input = await encoded(format, 80, 60);
      for (const quality of [1, 50, 100])
        expect((await runs.compress(input, { quality })).bytes.length).toBeLessThanOrEqual(input.length);
    },
  );

  it('keeps the original picture but not its GPS position and camera', async () => {
    const input = await sharp(await photo({ gps: true, orientation: 6, quality: 20 }))
      .keepMetadata()
      .jpeg({ quality: 5 })
      .toBuffer();
    const { bytes, probe, report } = await runs.compress(input, { quality: 100 });
    expect(report.kept_original).toBe(true);
    expect(probe).toMatchObject({ has_gps: false, has_icc_profile: true, orientation: 6 });
    expect(bytes.includes('Sample camera')).toBe(false);
    expect(await difference(input, bytes)).toBe(0);
  });

  it.each(['png', 'webp'] as const)(
    'keeps the original %s of another orientation as well',
    async (format) => {
      const input = await sharp(await photo({ gps: true, orientation: 6, width: 64, height: 48 }))
        .keepMetadata()
        .toFormat(format, { effort: format === 'png' ? 10 : 6, quality: 1 })
        .toBuffer();
      const { bytes, probe, report } = await runs.compress(input, { quality: 100 });
      expect(bytes.length).toBeLessThanOrEqual(input.length);
      expect(report).toMatchObject({ kept_original: true, format });
      expect(probe).toMatchObject({ has_gps: false, has_icc_profile: true, orientation: 6 });
      expect(bytes.includes('Sample camera')).toBe(false);
      expect(await difference(input, bytes)).toBe(0);
    },
  );
});

describe('cancelling', () => {
  it('rejects at once with the reason', async () => {
    const input = await photo({ width: 1600, height: 1200 });
    const controller = new AbortController();
    const work = runs.compress(input, { format: 'avif' }, controller.signal);
    setTimeout(() => controller.abort(new Error('canceled')), 100);
    await expect(work).rejects.toThrow('canceled');
  });

  it('starts nothing when the signal has aborted before', async () => {
    await expect(runs.probe(await photo(), AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  });
});
