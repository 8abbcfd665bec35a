import type { ImageProbe } from '@mediakiln/contracts';
import { validateParams } from '../validate-params';
import { type ImageCompressParams, imageCompress } from './compress';

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

const params = (given: object = {}): ImageCompressParams =>
  validateParams(imageCompress, given) as ImageCompressParams;

describe('the parameters of image.compress', () => {
  it('have defaults', () => {
    expect(params()).toEqual({
      quality: 50,
      format: 'keep',
      effort: 'fast',
      background: '#ffffff',
      keep_smaller: true,
      keep_metadata: false,
      first_frame: false,
    });
  });

  it.each([
    [{ quality: 0 }, '/params/quality'],
    [{ quality: 101 }, '/params/quality'],
    [{ quality: 50.5 }, '/params/quality'],
    [{ quality: '50' }, '/params/quality'],
    [{ format: 'gif' }, '/params/format'],
    [{ background: 'white' }, '/params/background'],
    [{ keep_smaller: 'yes' }, '/params/keep_smaller'],
    [{ colour: '#ffffff' }, '/params/colour'],
  ])('refuse %j', (given, pointer) => {
    expect(() => params(given)).toThrow(
      expect.objectContaining({
        code: 'validation_failed',
        options: expect.objectContaining({
          errors: expect.arrayContaining([expect.objectContaining({ pointer })]) as object,
        }) as object,
      }),
    );
  });
});

describe('image.compress', () => {
  it.each([
    ['a JPEG photo with a profile', {}, {}, true],
    ['the same, turned', { orientation: 6 }, {}, true],
    ['a greyscale JPEG', { color_space: 'b-w', channels: 1 }, {}, true],
    ['a CMYK JPEG', { color_space: 'cmyk', channels: 4 }, {}, false],
    ['a CMYK JPEG without profile', { color_space: 'cmyk', channels: 4, has_icc_profile: false }, {}, false],
    ['a PNG', { format: 'png' }, { format: 'jpeg' }, false],
    ['another target', {}, { format: 'webp' }, false],
    ['more effort', {}, { effort: 'small' }, false],
  ] as const)('decides on the fast path for %s', (_, probe, given, expected) => {
    expect(imageCompress.report?.(params(given), { ...PHOTO, ...probe }).fast_path).toBe(expected);
  });

  it('opens a photo without converting its colours, and CMYK with', () => {
    expect(imageCompress.open(params(), PHOTO)).toEqual({
      ignoreIcc: true,
      sequentialRead: true,
      failOn: 'error',
      animated: false,
    });
    expect(imageCompress.open(params(), { ...PHOTO, color_space: 'cmyk' }).ignoreIcc).toBe(false);
  });

  it.each([
    ['gif', {}, true],
    ['gif', { first_frame: true }, false],
    ['gif', { format: 'webp' }, true],
    ['gif', { format: 'jpeg' }, false],
    ['webp', { format: 'avif' }, false],
  ] as const)('reads all frames of a %s only when %j can show them', (format, given, expected) => {
    const animated = { ...PHOTO, format, frames: 9 };
    expect(imageCompress.open(params(given), animated).animated).toBe(expected);
  });

  it.each([
    [{}, 'jpeg'],
    [{ format: 'avif' }, 'avif'],
  ])('tells the format that it makes of %j', (given, format) => {
    expect(imageCompress.result(params(given), PHOTO)).toMatchObject({ format, width: 4000, height: 3000 });
  });

  it('refuses a side that the target format cannot hold, and names both', () => {
    const wide = { ...PHOTO, width: 20_000, stored_width: 20_000, height: 100, stored_height: 100 };
    expect(() => imageCompress.check([wide], params({ format: 'webp' }))).toThrow(
      expect.objectContaining({
        code: 'image_too_large',
        detail: 'The longest side is 20000 pixels; WEBP takes at most 16383',
      }),
    );
    expect(() => imageCompress.check([wide], params())).not.toThrow();
  });

  it('refuses what is no image', () => {
    expect(() => imageCompress.check([], params())).toThrow(
      expect.objectContaining({ code: 'unsupported_input' }),
    );
  });
});
