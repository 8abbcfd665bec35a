import type { ImageProbe } from '@mediakiln/contracts';
import { paramsSchema } from '../param';
import { validateParams } from '../validate-params';
import { ImageResizeParams, imageResize } from './resize';

const PHOTO: ImageProbe = {
  kind: 'image',
  format: 'jpeg',
  stored_width: 3000,
  stored_height: 4000,
  width: 4000,
  height: 3000,
  orientation: 6,
  frames: 1,
  has_alpha: false,
  has_icc_profile: true,
  color_space: 'srgb',
  bit_depth: 8,
  channels: 3,
  is_progressive: false,
  has_gps: false,
};
const ANIMATION: ImageProbe = {
  ...PHOTO,
  format: 'webp',
  orientation: 1,
  width: 400,
  height: 300,
  stored_width: 400,
  stored_height: 300,
  frames: 60,
};

const params = (given: object): ImageResizeParams => validateParams(imageResize, given) as ImageResizeParams;
const refusal = (code: string, detail: string): Error => expect.objectContaining({ code, detail }) as Error;

describe('the parameters of image.resize', () => {
  it('have defaults', () => {
    expect(params({ width: 320 })).toEqual({
      width: 320,
      fit: 'inside',
      enlarge: false,
      position: 'centre',
      format: 'keep',
      quality: 50,
    });
  });

  it.each([
    [{}, '/params/width'],
    [{}, '/params/height'],
    [{ fit: 'cover' }, '/params/height'],
    [{ width: null }, '/params/width'],
    [{ width: 0 }, '/params/width'],
    [{ width: 16_385 }, '/params/width'],
    [{ width: 10.5 }, '/params/width'],
    [{ height: 0 }, '/params/height'],
    [{ height: 16_385 }, '/params/height'],
    [{ width: 10, fit: 'crop' }, '/params/fit'],
    [{ width: 10, enlarge: 1 }, '/params/enlarge'],
    [{ width: 10, background: '#fff' }, '/params/background'],
    [{ width: 10, format: 'tiff' }, '/params/format'],
    [{ width: 10, quality: 0 }, '/params/quality'],
    [{ width: 10, fit: 'cover', position: 'left' }, '/params/position'],
    [{ width: 10, position: 'north' }, '/params/position'],
    [{ width: 10, height: 10, fit: 'contain', position: 'entropy' }, '/params/position'],
    [{ width: 10, depth: 3 }, '/params/depth'],
  ])('refuse %j at %s', (given, pointer) => {
    expect(() => params(given)).toThrow(
      expect.objectContaining({
        code: 'validation_failed',
        options: expect.objectContaining({
          errors: expect.arrayContaining([expect.objectContaining({ pointer })]) as object,
        }) as object,
      }),
    );
  });

  it('say in their schema that one side is needed, and within which limits', () => {
    expect(paramsSchema(ImageResizeParams)).toMatchObject({
      required: [],
      anyOf: [{ required: ['width'] }, { required: ['height'] }],
      properties: { width: { minimum: 1, maximum: 16_384 }, height: { minimum: 1, maximum: 16_384 } },
    });
  });
});

describe('image.resize', () => {
  it('refuses more pixels than are made, and names both', () => {
    const asked = params({ width: 10_000, height: 6000, fit: 'fill', enlarge: true });
    expect(() => imageResize.check([PHOTO], asked)).toThrow(
      refusal(
        'output_too_large',
        'The output would be 10000x6000, 60000000 pixels; at most 50000000 are made',
      ),
    );
    expect(() => imageResize.check([PHOTO], params({ width: 8000, enlarge: true }))).not.toThrow();
  });

  it('counts the pixels of every frame that comes out', () => {
    const asked = { width: 1600, enlarge: true };
    expect(() => imageResize.check([ANIMATION], params(asked))).toThrow(
      refusal(
        'output_too_large',
        'The output would be 1600x1200 in 60 frames, 115200000 pixels; at most 50000000 are made',
      ),
    );
    expect(() => imageResize.check([ANIMATION], params({ ...asked, format: 'jpeg' }))).not.toThrow();
    expect(imageResize.result(params({ width: 200 }), ANIMATION)).toMatchObject({
      width: 200,
      height: 150,
      frames: 60,
    });
    expect(imageResize.result(params({ width: 200, format: 'png' }), ANIMATION).frames).toBe(1);
  });

  it('refuses a side that the format cannot hold', () => {
    const long = { ...PHOTO, orientation: 1, width: 40_000, height: 100 };
    const asked = params({ width: 16_384, format: 'webp' });
    expect(() => imageResize.check([long], asked)).toThrow(
      refusal('image_too_large', 'The longest side is 16384 pixels; WEBP takes at most 16383'),
    );
  });

  it('refuses to look for what matters in an animation', () => {
    const asked = params({ width: 10, height: 10, fit: 'cover', position: 'attention' });
    expect(() => imageResize.check([ANIMATION], asked)).toThrow(
      expect.objectContaining({
        code: 'validation_failed',
        detail: 'position attention takes a still picture; this one has 60 frames',
        options: { errors: [expect.objectContaining({ pointer: '/params/position' })] },
      }),
    );
    expect(() => imageResize.check([PHOTO], asked)).not.toThrow();
  });

  it('refuses an animation that EXIF turns', () => {
    expect(() => imageResize.check([{ ...ANIMATION, orientation: 6 }], params({ width: 10 }))).toThrow(
      expect.objectContaining({ code: 'unsupported_input' }),
    );
  });

  it('refuses what is no image', () => {
    expect(() => imageResize.check([], params({ width: 10 }))).toThrow(
      expect.objectContaining({ code: 'unsupported_input' }),
    );
  });

  it('lets colours pass through with their profile', () => {
    expect(imageResize.open(params({ width: 10 }), PHOTO)).toEqual({
      ignoreIcc: true,
      sequentialRead: true,
      failOn: 'error',
      animated: false,
    });
    expect(imageResize.open(params({ width: 10 }), { ...PHOTO, color_space: 'cmyk' }).ignoreIcc).toBe(false);
    expect(imageResize.open(params({ width: 10 }), ANIMATION).animated).toBe(true);
  });

  it('reports the size as it is shown', () => {
    expect(imageResize.report?.(params({ width: 400 }), PHOTO)).toEqual({
      width: 400,
      height: 300,
      quality: 50,
    });
  });
});
