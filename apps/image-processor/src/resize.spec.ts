import { imageResize } from '@mediakiln/operations';
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
  quarters,
} from '../../../test/support/pictures';

const RED = [230, 30, 40];
const GREEN = [30, 200, 60];
const BLUE = [40, 60, 220];
const YELLOW = [240, 200, 20];

const runs = new ImageRuns();
const resize = (image: Buffer, given: object) => runs.run(imageResize, image, { quality: 100, ...given });

/** Red, green and blue at a place given in parts of the picture. */
async function colorAt(image: Buffer, x: number, y: number): Promise<number[]> {
  const { pixels, width, height } = await asShown(image);
  const at = (Math.floor(y * height) * width + Math.floor(x * width)) * 3;
  return [...pixels.subarray(at, at + 3)];
}

async function expectColors(image: Buffer, expected: number[][]): Promise<void> {
  const corners = await cornersOf(image);
  corners.forEach((value, index) => expect(Math.abs(value - expected.flat()[index]!)).toBeLessThan(12));
}

describe('image.resize', () => {
  it.each([
    ['inside', 100, 60, 80, 60],
    ['outside', 100, 60, 100, 75],
    ['cover', 100, 60, 100, 60],
    ['contain', 100, 60, 100, 60],
    ['fill', 100, 60, 100, 60],
    ['inside', 33, undefined, 33, 25],
    ['inside', undefined, 33, 44, 33],
    ['inside', 640, 640, 320, 240],
    ['cover', 640, 640, 240, 240],
  ])('%s of %s x %s is exactly %i x %i', async (fit, width, height, madeWidth, madeHeight) => {
    for (const orientation of [1, 6]) {
      const { probe, report } = await resize(await photo({ orientation }), { fit, width, height });
      expect(probe).toMatchObject({
        format: 'jpeg',
        width: madeWidth,
        height: madeHeight,
        stored_width: madeWidth,
        orientation: 1,
        has_icc_profile: true,
      });
      expect(report).toMatchObject({ width: madeWidth, height: madeHeight, kept_original: false });
    }
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('turns orientation %i before it cuts', async (orientation) => {
    const isTurned = orientation >= 5;
    const input = await quarters(isTurned ? 120 : 160, isTurned ? 160 : 120)
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .withMetadata({ orientation })
      .toBuffer();
    const { bytes, probe } = await resize(input, {
      width: 40,
      height: 30,
      fit: 'cover',
      position: 'northwest',
    });
    expect([probe.width, probe.height]).toEqual([40, 30]);
    expect(await difference(await shrunk(input, 40, 30), bytes)).toBeLessThan(6);
    const piece = await resize(input, { width: 40, height: 120, fit: 'cover', position: 'west' });
    const [topLeft, bottomLeft] = [
      (await cornersOf(input)).slice(0, 3),
      (await cornersOf(input)).slice(6, 9),
    ];
    await expectColors(piece.bytes, [topLeft, topLeft, bottomLeft, bottomLeft]);
  });

  const shrunk = async (image: Buffer, width: number, height: number): Promise<Buffer> => {
    const { pixels, ...size } = await asShown(image);
    return sharp(pixels, { raw: { ...size, channels: 3 } })
      .resize(width, height, { fit: 'fill' })
      .png()
      .toBuffer();
  };

  it.each([
    ['a photo in Display P3', () => photo({ profile: 'p3' }), true],
    ['CMYK', () => cmykJpeg(true), false],
    ['CMYK without a profile', () => cmykJpeg(false), false],
    [
      'a greyscale photo',
      async () =>
        sharp(await photo())
          .toColourspace('b-w')
          .jpeg({ quality: 100 })
          .toBuffer(),
      false,
    ],
    ['an AVIF', () => quarters().avif({ quality: 95 }).toBuffer(), false],
    ['a GIF', () => quarters().gif().toBuffer(), false],
  ])('keeps the colours of %s', async (_, make, has_icc_profile) => {
    const input = await make();
    const { width, height } = await asShown(input);
    const { bytes, probe } = await resize(input, { width: width / 2 });
    expect(probe).toMatchObject({ width: width / 2, height: height / 2, has_icc_profile });
    expect(await difference(await shrunk(input, width / 2, height / 2), bytes)).toBeLessThan(5);
  });

  it.each([
    ['north', [RED, GREEN, RED, GREEN]],
    ['south', [BLUE, YELLOW, BLUE, YELLOW]],
    ['centre', [RED, GREEN, BLUE, YELLOW]],
  ])('cuts the %s', async (position, colors) => {
    const input = await quarters(100, 400).png().toBuffer();
    const { bytes } = await resize(input, { width: 100, height: 100, fit: 'cover', position });
    await expectColors(bytes, colors);
  });

  it.each(['entropy', 'attention'])('finds what matters by %s', async (position) => {
    const noise = await sharp({
      create: {
        width: 100,
        height: 100,
        channels: 3,
        background: '#000',
        noise: { type: 'gaussian', mean: 128, sigma: 60 },
      },
    })
      .tint('#ff2020')
      .png()
      .toBuffer();
    const input = await sharp({ create: { width: 400, height: 100, channels: 3, background: '#808080' } })
      .composite([{ input: noise, left: 300, top: 0 }])
      .png()
      .toBuffer();
    const { bytes } = await resize(input, { width: 100, height: 100, fit: 'cover', position });
    const [red, green] = (await sharp(bytes).stats()).channels;
    expect(red!.mean - green!.mean).toBeGreaterThan(40);
  });

  it.each([
    ['white by default', {}, [255, 255, 255]],
    ['the background', { background: '#3366cc' }, [0x33, 0x66, 0xcc]],
  ])('adds bars: %s', async (_, given, expected) => {
    const input = await quarters(40, 80).png().toBuffer();
    const { bytes, probe } = await resize(input, {
      width: 80,
      height: 80,
      fit: 'contain',
      format: 'jpeg',
      ...given,
    });
    expect([probe.width, probe.height]).toEqual([80, 80]);
    (await colorAt(bytes, 0.05, 0.5)).forEach((value, index) =>
      expect(Math.abs(value - expected[index]!)).toBeLessThan(6),
    );
    expect((await colorAt(bytes, 0.3, 0.1))[0]).toBeGreaterThan(200);
  });

  it('adds bars in colour beside a greyscale picture', async () => {
    const input = await sharp(await photo({ width: 64, height: 64 }))
      .toColourspace('b-w')
      .png()
      .toBuffer();
    const { bytes } = await resize(input, { width: 64, height: 32, fit: 'contain', background: '#ff0000' });
    const [red, green] = await colorAt(bytes, 0.05, 0.5);
    expect([red! > 240, green! < 15]).toEqual([true, true]);
  });

  it('does not enlarge within the bars unless asked to', async () => {
    const input = await quarters(20, 20).png().toBuffer();
    const asked = { width: 80, height: 80, fit: 'contain', background: '#000000' };
    const kept = await resize(input, asked);
    const larger = await resize(input, { ...asked, enlarge: true });
    expect([kept.probe.width, larger.probe.width]).toEqual([80, 80]);
    expect(Math.max(...(await colorAt(kept.bytes, 0.2, 0.2)))).toBeLessThan(10);
    expect((await colorAt(larger.bytes, 0.2, 0.2))[0]).toBeGreaterThan(200);
  });

  it('keeps transparency, also in the bars, and paints the background for JPEG', async () => {
    const input = await halfTransparent(40, 30).png().toBuffer();
    const { bytes, probe } = await resize(input, { width: 60, height: 60, fit: 'contain', enlarge: true });
    expect(probe).toMatchObject({ format: 'png', has_alpha: true, width: 60, height: 60 });
    const pixels = await sharp(bytes).ensureAlpha().raw().toBuffer();
    expect([pixels[3], pixels[(30 * 60 + 5) * 4 + 3], pixels[(30 * 60 + 55) * 4 + 3]]).toEqual([0, 255, 0]);
    const flat = await resize(input, { width: 20, format: 'jpeg', background: '#3366cc' });
    (await colorAt(flat.bytes, 0.9, 0.5)).forEach((value, index) =>
      expect(Math.abs(value - [0x33, 0x66, 0xcc][index]!)).toBeLessThan(6),
    );
  });

  it('keeps transparent greys transparent', async () => {
    const { probe } = await resize(await greyWithAlpha().png().toBuffer(), { width: 32 });
    expect(probe).toMatchObject({ has_alpha: true, width: 32, height: 8 });
  });

  it.each([
    ['gif', 'inside', 12, 8],
    ['webp', 'inside', 12, 8],
    ['webp', 'cover', 12, 12],
    ['gif', 'contain', 12, 12],
    ['gif', 'fill', 12, 12],
  ] as const)('keeps an animated %s moving: %s', async (format, fit, width, height) => {
    const { bytes, probe } = await resize(await animation(format, 5), { width: 12, height: 12, fit });
    expect(probe).toMatchObject({ format, frames: 5, width, height, stored_height: height });
    expect(await sharp(bytes).metadata()).toMatchObject({ delay: [80, 80, 80, 80, 80], loop: 3 });
    const middle = async (page: number): Promise<number> =>
      (await colorAt(await sharp(bytes, { page }).png().toBuffer(), 0.5, 0.5))[0]!;
    for (const [page, level] of [
      [0, 40],
      [1, 200],
      [4, 40],
    ] as const)
      expect(Math.abs((await middle(page)) - level)).toBeLessThan(12);
  });

  it('takes the first frame where the format has no more', async () => {
    const { probe } = await resize(await animation('gif', 5), { width: 12, format: 'png' });
    expect(probe).toMatchObject({ format: 'png', frames: 1, width: 12, height: 8 });
  });

  it.each([
    [1, 1, { width: 100 }, 1, 1],
    [1, 1, { width: 50, enlarge: true }, 50, 50],
    [1, 10_000, { width: 100, height: 100 }, 1, 100],
    [10_000, 1, { width: 100, height: 100, fit: 'cover' }, 1, 1],
    [333, 77, { width: 100 }, 100, 23],
  ])('makes %i x %i by %j to %i x %i', async (width, height, given, madeWidth, madeHeight) => {
    const { probe } = await resize(await quarters(width, height).png().toBuffer(), given);
    expect([probe.width, probe.height]).toEqual([madeWidth, madeHeight]);
  });

  it('leaves camera and position behind', async () => {
    const { bytes, probe } = await resize(await photo({ gps: true, orientation: 6 }), { width: 100 });
    expect(probe.has_gps).toBe(false);
    expect(bytes.includes('Sample camera')).toBe(false);
  });

  it.each(['jpeg', 'png', 'webp', 'avif', 'gif'])('writes %s', async (format) => {
    const { probe, mime_type } = await resize(await photo(), { width: 64, format });
    expect(probe).toMatchObject({ format, width: 64, height: 48 });
    expect(mime_type).toBe(`image/${format}`);
  });
});
