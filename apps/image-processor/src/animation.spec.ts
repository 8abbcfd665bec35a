import { imageCompress, imageResize, imageRotate, imageSteps, imageWatermark } from '@mediakiln/operations';
import sharp from 'sharp';
import { ImageRuns } from '../../../test/support/image-runs';
import { animation, asShown, quarters } from '../../../test/support/pictures';
import { holdsPixels } from './chain';
import { pixelsInWork } from './make-picture';

const runs = new ImageRuns();

describe('an animation', () => {
  it.each([
    ['smaller', { width: 13 }],
    ['larger', { width: 50, enlarge: true }],
  ])('that is made %s gets no lines of a neighbouring frame', async (_, given) => {
    const { bytes, probe } = await runs.run(imageResize, await animation('webp', 4), {
      ...given,
      quality: 100,
    });
    expect(probe.frames).toBe(4);
    for (let page = 0; page < 4; page++) {
      const { pixels } = await asShown(await sharp(bytes, { page }).png().toBuffer());
      const level = page % 2 === 0 ? 40 : 200;
      expect(Math.max(...pixels.map((value) => Math.abs(value - level)))).toBeLessThanOrEqual(4);
    }
  });

  it('takes as long as before when equal frames become one', async () => {
    const frame = await quarters(40, 30).png().toBuffer();
    const input = await sharp([frame, frame, frame], { join: { animated: true } })
      .gif({ delay: [100, 200, 300], loop: 2, keepDuplicateFrames: true })
      .toBuffer();
    const before = await runs.probe(input);
    const { bytes } = await runs.run(imageRotate, input, { angle: 90 });
    const { delay, loop } = await sharp(bytes).metadata();
    expect(before.frames).toBe(3);
    expect([delay!.reduce((sum, one) => sum + one, 0), loop]).toEqual([600, 2]);
  });

  it('that shows a frame for minutes is shown as long as can be written', async () => {
    const input = await animation('gif', 3);
    const control = Buffer.from('21f904', 'hex');
    // Of the second frame: 65,535 hundredths of a second (GIF89a, 23).
    input.writeUInt16LE(0xffff, input.indexOf(control, input.indexOf(control) + 8) + 4);
    expect((await sharp(input).metadata()).delay).toEqual([80, 655_350, 80]);
    const { bytes, probe } = await runs.run(imageRotate, input, { angle: 90 });
    expect(probe.frames).toBe(3);
    // Of the 65,535 milliseconds that sharp takes; GIF counts in hundredths of a second.
    expect((await sharp(bytes).metadata()).delay).toEqual([80, 65_540, 80]);
  });

  it('with a colour profile comes out in sRGB where its frames are drawn one by one', async () => {
    const frames = await Promise.all([
      quarters(40, 30).png().toBuffer(),
      quarters(40, 30).negate().png().toBuffer(),
    ]);
    const input = await sharp(frames, { join: { animated: true } })
      .webp({ lossless: true })
      .withIccProfile('p3')
      .toBuffer();
    const { bytes, probe, input: before } = await runs.run(imageRotate, input, { angle: 180, quality: 100 });
    expect([before.frames, before.has_icc_profile, probe.frames, probe.has_icc_profile]).toEqual([
      2,
      true,
      2,
      false,
    ]);
    const [one, other] = [await asShown(input), await asShown(bytes)];
    one.pixels
      .subarray(0, 3)
      .forEach((value, channel) =>
        expect(Math.abs(value - other.pixels.subarray(-3)[channel]!)).toBeLessThan(20),
      );
  });

  it.each([
    [imageRotate, { angle: 90 }],
    [
      imageSteps,
      {
        steps: [
          { operation: 'image.resize', params: { width: 9 } },
          { operation: 'image.rotate', params: { angle: 9 } },
        ],
      },
    ],
  ])('that EXIF turns is refused, and its first frame taken: %#', async (operation, given) => {
    const turned = await sharp(await animation('webp', 3), { animated: true })
      .withMetadata({ orientation: 6 })
      .webp()
      .toBuffer();
    await expect(runs.run<object>(operation, turned, given)).rejects.toMatchObject({
      code: 'unsupported_input',
      detail: expect.stringContaining('EXIF orientation (6)') as string,
    });
    const still = [
      { operation: 'image.compress', params: { first_frame: true } },
      { operation: 'image.rotate', params: { angle: 90 } },
    ];
    const { probe } = await runs.run(imageSteps, turned, { steps: still });
    expect(probe).toMatchObject({ frames: 1, width: 24, height: 16 });
  });
});

describe('the pixels that work holds', () => {
  it('are those of input, output and marks; only one picture for a single step on a still', async () => {
    const probe = await runs.probe(await quarters(100, 50).png().toBuffer());
    const chain = (steps: Parameters<typeof holdsPixels>[0]) => ({
      steps,
      inputs: [{ image: '', probe }],
      layers: new Map(),
      seconds: 1,
      signal: new AbortController().signal,
    });
    const compress = {
      operation: imageCompress,
      params: new imageCompress.params(),
      layers: [],
    };
    const enlarge = {
      operation: imageResize,
      params: Object.assign(new imageResize.params(), { width: 200, enlarge: true }),
      layers: [],
    };
    expect(pixelsInWork(chain([compress]))).toBe(5_000);
    expect(pixelsInWork(chain([enlarge]))).toBe(20_000);
    expect(pixelsInWork(chain([enlarge, compress]))).toBe(25_000);
    const mark = { operation: imageWatermark, params: new imageWatermark.params(), layers: [1] };
    const marked = {
      ...chain([mark]),
      inputs: [
        { image: '', probe },
        { image: '', probe },
      ],
    };
    expect(pixelsInWork(marked)).toBe(10_000);
  });
});
