import { readFile } from 'node:fs/promises';
import type { VideoProbe } from '@mediakiln/contracts';
import sharp from 'sharp';
import { FFMPEG_PAIRS } from '../../../test/support/ffmpeg';
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
import { framesOf, isEvenlySpaced } from '../../../test/support/video-frames';
import { VideoBench } from '../../../test/support/video-run';

/** Half a second at few frames: what is in them does not depend on how many there are. */
const BRIEF = { duration_seconds: 1, frames_per_second: 5 };
/** Of 255, averaged over the picture; 4:2:0 blurs colour edges. */
const SAME = 3.5;

describe.each(FFMPEG_PAIRS)('video.from_image on %s', (_name, findPair) => {
  let bench: VideoBench;

  beforeAll(async () => {
    bench = await VideoBench.open(await findPair());
  });
  afterAll(() => bench.close());

  async function make(image: Buffer, params: object = BRIEF) {
    const { outputs, report } = await bench.fromImage(image, params);
    const [output] = outputs;
    return { path: output!.path, probe: output!.info.probe as VideoProbe, report: report! };
  }

  const PICTURES: [string, () => Promise<Buffer>][] = [
    ['JPEG', () => quarters(320, 240).jpeg({ quality: 95 }).toBuffer()],
    [
      'JPEG without subsampling',
      () => quarters(320, 240).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer(),
    ],
    [
      'grey JPEG',
      async () =>
        sharp(await photo())
          .greyscale()
          .jpeg()
          .toBuffer(),
    ],
    ['PNG', () => quarters(320, 240).png().toBuffer()],
    ['PNG with a palette', () => quarters(320, 240).png({ palette: true }).toBuffer()],
    ['PNG of 16 bits', () => png16Bit()],
    ['lossy WebP', () => quarters(320, 240).webp({ quality: 95 }).toBuffer()],
    ['lossless WebP', () => quarters(320, 240).webp({ lossless: true }).toBuffer()],
    ['GIF', () => quarters(320, 240).gif().toBuffer()],
  ];

  it.each(PICTURES)('shows a %s in its colours', async (_format, picture) => {
    const image = await picture();
    const { path, probe, report } = await make(image);
    expect(probe).toMatchObject({
      width: report.width,
      height: report.height,
      video: {
        codec: 'h264',
        profile: 'High',
        pixel_format: 'yuv420p',
        sample_aspect_ratio: '1:1',
        color_primaries: 'bt709',
        color_transfer: 'bt709',
        color_space: 'bt709',
        rotation_degrees: 0,
      },
      audio: null,
    });
    expect(report).toMatchObject({ frames: 5, colors: 'exact' });
    expect(await difference((await framesOf(path))[0]!, image)).toBeLessThan(SAME);
  });

  it.each([
    ['plain', quarters(321, 243).jpeg({ quality: 95 })],
    ['without subsampling', quarters(640, 480).jpeg({ quality: 95, chromaSubsampling: '4:4:4' })],
    ['progressive', quarters(640, 480).jpeg({ quality: 95, progressive: true })],
    ['grey', quarters(640, 480).greyscale().jpeg({ quality: 95 })],
    ['turned', quarters(640, 480).jpeg({ quality: 95 }).withMetadata({ orientation: 6 })],
  ])('decodes a JPEG, %s, at a part of its size where the video is smaller', async (_kind, picture) => {
    const image = await picture.toBuffer();
    const { path } = await make(image, { ...BRIEF, width: 80 });
    const [frame] = await framesOf(path);
    const { width, height } = await sharp(frame).metadata();
    const expected = await sharp(image).rotate().resize(width, height, { fit: 'fill' }).png().toBuffer();
    expect(await difference(frame!, expected)).toBeLessThan(SAME);
  });

  it.each([
    ['PNG', () => halfTransparent(64, 48).png().toBuffer()],
    ['WebP', () => halfTransparent(64, 48).webp({ quality: 95 }).toBuffer()],
    ['grey PNG', () => greyWithAlpha(64, 48).png().toBuffer()],
    ['GIF', () => halfTransparent(64, 48).gif().toBuffer()],
  ])('lays a transparent %s on the background', async (_format, picture) => {
    const image = await picture();
    const background = '#20a040';
    const { path } = await make(image, { ...BRIEF, background });
    const expected = await sharp(image).pipelineColourspace('srgb').flatten({ background }).png().toBuffer();
    expect(await difference((await framesOf(path))[0]!, expected)).toBeLessThan(SAME);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('turns EXIF orientation %i upright', async (orientation) => {
    const image = await quarters(64, 48).jpeg({ quality: 95 }).withMetadata({ orientation }).toBuffer();
    const { path, probe } = await make(image);
    expect([probe.width, probe.height]).toEqual(orientation < 5 ? [64, 48] : [48, 64]);
    expect(await difference((await framesOf(path))[0]!, image)).toBeLessThan(SAME + 2);
  });

  it.each([
    ['odd sides', 63, 47, {}, 64, 48],
    ['a single pixel', 1, 1, {}, 2, 2],
    ['a long line', 3000, 1, { width: 320, height: 180, fit: 'crop' }, 320, 180],
    ['a long line, blurred', 3000, 1, { width: 320, height: 180, fit: 'blur' }, 320, 180],
    ['a width alone', 64, 48, { width: 101 }, 102, 76],
    ['a large picture', 2400, 1200, {}, 1920, 960],
  ])('makes even sides of %s', async (_case, width, height, size, outWidth, outHeight) => {
    const image = await quarters(width, height).png().toBuffer();
    const { probe } = await make(image, { ...BRIEF, ...size });
    expect([probe.width, probe.height]).toEqual([outWidth, outHeight]);
  });

  it('adds one line to an odd picture and changes no other', async () => {
    const image = await photo({ width: 63, height: 47 });
    const [frame] = await framesOf((await make(image)).path);
    const inside = await sharp(frame).extract({ left: 0, top: 0, width: 63, height: 47 }).png().toBuffer();
    expect(await difference(inside, image)).toBeLessThan(SAME);
  });

  it.each([
    ['pad', [16, 160, 64], [16, 160, 64]],
    ['crop', [230, 30, 40], [240, 200, 20]],
    ['blur', [180, 60, 50], [200, 170, 60]],
  ])('fits by %s', async (fit, topLeft, bottomRight) => {
    const image = await quarters(120, 120).png().toBuffer();
    const [frame] = await framesOf(
      (await make(image, { ...BRIEF, width: 240, height: 120, fit, background: '#10a040' })).path,
    );
    const { pixels, width, height } = await asShown(frame!);
    expect([width, height]).toEqual([240, 120]);
    const at = (x: number, y: number): number[] => [
      ...pixels.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
    ];
    const near = (seen: number[], wanted: number[], by: number): void =>
      seen.forEach((value, index) => expect(Math.abs(value - wanted[index]!)).toBeLessThan(by));
    const by = fit === 'blur' ? 60 : 8;
    near(at(4, 4), topLeft, by);
    near(at(235, 115), bottomRight, by);
    // The picture itself is sharp and in the middle, whatever is around it.
    near(at(110, 30), fit === 'crop' ? [230, 30, 40] : [230, 30, 40], 10);
  });

  it.each([
    [3, 30, 90, 60],
    [7.5, 24, 180, 48],
    [1, 60, 60, 60],
    [5, 1, 5, 2],
  ])('lasts %f s at %i frames per second to the frame', async (seconds, rate, frames, encoded) => {
    const image = await quarters(64, 48).jpeg().toBuffer();
    const { path, probe, report } = await make(image, { duration_seconds: seconds, frames_per_second: rate });
    expect(report).toMatchObject({ frames, frames_encoded: encoded, duration_seconds: seconds });
    expect(probe.duration_seconds).toBeCloseTo(seconds, 3);
    expect(probe.video).toMatchObject({ average_frame_rate: `${rate}/1`, is_variable_frame_rate: false });
    expect(await isEvenlySpaced(path)).toBe(true);
    expect(await framesOf(path, 1)).toHaveLength(frames);
  });

  it('starts with its index, so that it plays while it loads', async () => {
    const { path } = await make(await quarters(64, 48).jpeg().toBuffer(), { duration_seconds: 5 });
    const bytes = await readFile(path);
    expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
    expect(bytes.indexOf('moov')).toBeGreaterThan(0);
  });

  it('plays an animated GIF over and over, or shows its first frame', async () => {
    const gif = await animation('gif', 5, 64, 48); // dark and light in turn, 80 ms each
    const { path, report } = await make(gif, { duration_seconds: 2, frames_per_second: 25 });
    expect(report).toMatchObject({ animated: true, frames: 50, mode: 'encode' });
    const brightness = await Promise.all(
      (await framesOf(path, 8)).map(async (one) => (await asShown(one)).pixels[0]!),
    );
    const expected = Array.from({ length: 50 }, (_, i) => (Math.floor((i % 10) / 2) % 2 === 0 ? 40 : 200));
    expect(brightness.map((value) => (value < 120 ? 40 : 200))).toEqual(expected);
    const still = await make(gif, { ...BRIEF, first_frame: true });
    expect(still.report).toMatchObject({ animated: false });
    const levels = await Promise.all(
      (await framesOf(still.path, 8)).map(async (one) => (await asShown(one)).pixels[0]!),
    );
    expect(Math.max(...levels)).toBeLessThan(60);
  });

  it('comes near to the colours of CMYK, and says that they are not exact', async () => {
    for (const profiled of [true, false]) {
      const image = await cmykJpeg(profiled);
      const { path, report } = await make(image);
      expect(report).toMatchObject({ colors: 'cmyk_approximated' });
      expect(await difference((await framesOf(path))[0]!, image)).toBeLessThan(60);
    }
  });

  it('says that it applied no profile', async () => {
    const image = await quarters().withIccProfile('p3').jpeg().toBuffer();
    expect((await make(image)).report).toMatchObject({ colors: 'profile_ignored' });
  });

  it.each([
    ['AVIF', () => quarters().avif({ effort: 0 }).toBuffer(), /AVIF .*image.convert/],
    ['an animated WebP', () => animation('webp', 3), /animated WebP .*GIF with image.convert/],
  ])('refuses %s and names the cure', async (_what, picture, detail) => {
    await expect(make(await picture())).rejects.toMatchObject({
      code: 'unsupported_input',
      detail: expect.stringMatching(detail) as string,
    });
  });

  it('looks into a picture under the flags of its own format alone', async () => {
    const jpeg = await quarters().jpeg().toBuffer();
    await expect(bench.fromImage(jpeg, BRIEF, { container: 'png' })).rejects.toMatchObject({
      code: 'video_corrupt',
    });
    await expect(
      bench.executor.probe(
        { path: '/nowhere', container: 'jpeg' },
        { workdir: '/', signal: new AbortController().signal },
      ),
    ).rejects.toMatchObject({ code: 'unsupported_input' });
  });
});
