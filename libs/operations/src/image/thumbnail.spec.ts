import type { ImageProbe } from '@mediakiln/contracts';
import { topicOf } from '../operation';
import { validateParams } from '../validate-params';
import { type ImageThumbnailParams, imageThumbnail } from './thumbnail';

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

const params = (given: object = {}): ImageThumbnailParams =>
  validateParams(imageThumbnail, given) as ImageThumbnailParams;

describe('the parameters of image.thumbnail', () => {
  it('have defaults', () => {
    expect(params()).toEqual({
      width: 320,
      height: 320,
      fit: 'inside',
      format: 'webp',
      quality: 75,
      background: '#ffffff',
    });
  });

  it.each([
    [{ width: 15 }, '/params/width'],
    [{ width: 1025 }, '/params/width'],
    [{ height: 15 }, '/params/height'],
    [{ height: 320.5 }, '/params/height'],
    [{ fit: 'fill' }, '/params/fit'],
    [{ format: 'gif' }, '/params/format'],
    [{ quality: 0 }, '/params/quality'],
    [{ background: 'red' }, '/params/background'],
    [{ size: 100 }, '/params/size'],
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

describe('image.thumbnail', () => {
  it('is quick work of the image topic', () => {
    expect([imageThumbnail.lane, topicOf(imageThumbnail)]).toEqual(['quick', 'image']);
  });

  it('converts colours by their profile and reads one frame', () => {
    expect(imageThumbnail.open(params(), { ...PHOTO, frames: 9 })).toMatchObject({
      ignoreIcc: false,
      animated: false,
    });
    expect(imageThumbnail.open(params(), { ...PHOTO, has_icc_profile: false }).ignoreIcc).toBe(true);
  });

  it('reports its size, as the picture is shown', () => {
    expect(imageThumbnail.report?.(params(), PHOTO)).toEqual({ width: 320, height: 240, quality: 75 });
  });

  it('refuses what is no image', () => {
    expect(() => imageThumbnail.check([], params())).toThrow(
      expect.objectContaining({ code: 'unsupported_input' }),
    );
  });
});
