import type { ImageProbe } from '@mediakiln/contracts';
import { validateParams } from '../validate-params';
import { type ImageConvertParams, imageConvert } from './convert';

const PHOTO: ImageProbe = {
  kind: 'image',
  format: 'jpeg',
  stored_width: 4000,
  stored_height: 3000,
  width: 4000,
  height: 3000,
  orientation: 1,
  frames: 1,
  has_alpha: false,
  has_icc_profile: true,
  color_space: 'srgb',
  bit_depth: 8,
  channels: 3,
  is_progressive: false,
  has_gps: false,
};

const params = (given: object): ImageConvertParams =>
  validateParams(imageConvert, given) as ImageConvertParams;

describe('the parameters of image.convert', () => {
  it('have defaults, but for the format', () => {
    expect(params({ format: 'png' })).toEqual({ format: 'png', effort: 'fast', first_frame: false });
  });

  it.each([
    [{}, '/params/format'],
    [{ format: 'keep' }, '/params/format'],
    [{ format: 'heic' }, '/params/format'],
    [{ format: 'jpeg', quality: 0 }, '/params/quality'],
    [{ format: 'jpeg', quality: 101 }, '/params/quality'],
    [{ format: 'jpeg', lossless: true }, '/params/lossless'],
    [{ format: 'gif', lossless: false }, '/params/lossless'],
    [{ format: 'png', background: '#ffffff' }, '/params/background'],
    [{ format: 'webp', background: '#ffffff' }, '/params/background'],
    [{ format: 'webp', progressive: true }, '/params/progressive'],
    [{ format: 'gif', progressive: true }, '/params/progressive'],
    [{ format: 'avif', lossless: true, quality: 80 }, '/params/quality'],
    [{ format: 'jpeg', effort: 'most' }, '/params/effort'],
    [{ format: 'jpeg', width: 10 }, '/params/width'],
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

  it.each([
    { format: 'jpeg', quality: 90, progressive: true, background: '#000000', effort: 'small' },
    { format: 'png', lossless: false, quality: 90, progressive: true },
    { format: 'webp', lossless: true },
    { format: 'avif', quality: 30, first_frame: true },
    { format: 'gif', quality: 30 },
  ])('take %j', (given) => {
    expect(params(given)).toMatchObject(given);
  });
});

describe('image.convert', () => {
  it.each([
    [{ format: 'jpeg' }, { quality: 80, lossless: false, frames_left_out: 0 }],
    [{ format: 'avif' }, { quality: 55, lossless: false, frames_left_out: 0 }],
    [{ format: 'png' }, { quality: null, lossless: true, frames_left_out: 0 }],
    [
      { format: 'png', quality: 70 },
      { quality: 70, lossless: false, frames_left_out: 0 },
    ],
    [
      { format: 'png', lossless: false },
      { quality: 80, lossless: false, frames_left_out: 0 },
    ],
    [
      { format: 'webp', lossless: true },
      { quality: null, lossless: true, frames_left_out: 0 },
    ],
  ])('reports how it writes: %j', (given, report) => {
    expect(imageConvert.report?.(params(given), PHOTO)).toEqual(report);
  });

  it.each([
    ['webp', {}, true, 0],
    ['gif', {}, true, 0],
    ['webp', { first_frame: true }, false, 8],
    ['jpeg', {}, false, 8],
    ['png', {}, false, 8],
    ['avif', {}, false, 8],
  ] as const)('of an animation to %s %j', (format, more, animated, frames_left_out) => {
    const animation = { ...PHOTO, format: 'gif', frames: 9 } as const;
    const asked = params({ format, ...more });
    expect(imageConvert.open(asked, animation).animated).toBe(animated);
    expect(imageConvert.report?.(asked, animation)).toMatchObject({ frames_left_out });
  });

  it('refuses an animation that EXIF turns, but not its first frame', () => {
    const turned = { ...PHOTO, format: 'webp', frames: 9, orientation: 6 } as const;
    expect(() => imageConvert.check([turned], params({ format: 'gif' }))).toThrow(
      expect.objectContaining({ code: 'unsupported_input' }),
    );
    expect(() => imageConvert.check([turned], params({ format: 'png' }))).not.toThrow();
  });

  it('refuses a side that the format cannot hold', () => {
    expect(() => imageConvert.check([{ ...PHOTO, width: 20_000 }], params({ format: 'webp' }))).toThrow(
      expect.objectContaining({ code: 'image_too_large' }),
    );
  });

  it('refuses what is no image', () => {
    expect(() => imageConvert.check([], params({ format: 'png' }))).toThrow(
      expect.objectContaining({ code: 'unsupported_input' }),
    );
  });
});
