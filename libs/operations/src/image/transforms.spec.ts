import { AppError, type ImageProbe } from '@mediakiln/contracts';
import { OPERATIONS } from '../catalogue';
import type { AnyOperation } from '../operation';
import { validateParams } from '../validate-params';
import { imageCrop } from './crop';
import { imageRotate } from './rotate';
import { imageWatermark } from './watermark';

const PHOTO: ImageProbe = {
  kind: 'image',
  format: 'jpeg',
  stored_width: 480,
  stored_height: 640,
  width: 640,
  height: 480,
  orientation: 6,
  frames: 1,
  has_alpha: false,
  has_icc_profile: true,
  color_space: 'srgb',
  bit_depth: 8,
  channels: 3,
  is_progressive: false,
  has_gps: true,
  placeholder: 'H+gVHYKViYaPiHeHZlh4eHeAYkkH',
};

function refusalOf(work: () => unknown): { code: string; detail: string; pointers: string[] } {
  try {
    work();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, detail, options } = error;
    return { code, detail, pointers: (options.errors ?? []).map(({ pointer }) => pointer) };
  }
  throw new Error('nothing was refused');
}

describe('the parameters', () => {
  it.each<[AnyOperation, object, string[]]>([
    [
      imageCrop,
      {},
      [
        '/params/width',
        '/params/width',
        '/params/width',
        '/params/height',
        '/params/height',
        '/params/height',
      ],
    ],
    [imageCrop, { width: 0, height: 1 }, ['/params/width']],
    [imageCrop, { width: 1, height: 1, left: 5 }, ['/params/top']],
    [imageCrop, { width: 1, height: 1, top: 5 }, ['/params/left']],
    [imageCrop, { width: 1, height: 1, left: -1, top: 0 }, ['/params/left']],
    [imageCrop, { width: 1, height: 1, left: 1, top: 0, position: 'north' }, ['/params/position']],
    [imageCrop, { width: 1, height: 1, position: 'middle' }, ['/params/position']],
    [imageRotate, {}, ['/params/angle', '/params/flip']],
    [imageRotate, { angle: 361 }, ['/params/angle']],
    [imageRotate, { angle: '90' }, ['/params/angle', '/params/angle', '/params/angle']],
    [imageRotate, { flip: 'diagonal' }, ['/params/flip']],
    [imageWatermark, { opacity: 1.1 }, ['/params/opacity']],
    [imageWatermark, { scale: 0 }, ['/params/scale']],
    [imageWatermark, { position: 'attention' }, ['/params/position']],
    [imageWatermark, { scale: 0.9, margin: 0.2 }, ['/params/margin']],
    [imageWatermark, { text: 'no' }, ['/params/text']],
  ])('of %# are refused: %j', (operation, given, pointers) => {
    expect(refusalOf(() => validateParams(operation, given)).pointers).toEqual(pointers);
  });

  it('of marks that are repeated may be wider than the picture together', () => {
    expect(() => validateParams(imageWatermark, { scale: 1, margin: 0.4, tile: true })).not.toThrow();
  });
});

describe('image.crop', () => {
  const check = (given: object, probe = PHOTO) =>
    imageCrop.check([probe], validateParams(imageCrop, { width: 100, height: 100, ...given }) as never);

  it.each([
    [{ width: 641 }, '/params/width', 'width 641 is more than the width of the picture, which is 640'],
    [
      { left: 541, top: 0 },
      '/params/left',
      'left 541 and width 100, 641 in sum, is more than the width of the picture, which is 640',
    ],
    [
      { left: 0, top: 481 },
      '/params/top',
      'top 481 and height 100, 581 in sum, is more than the height of the picture, which is 480',
    ],
    [
      { left: 1, top: 0, width: 700 },
      '/params/width',
      'left 1 and width 700, 701 in sum, is more than the width of the picture, which is 640',
    ],
  ])('refuses %j with both figures', (given, pointer, detail) => {
    expect(refusalOf(() => check(given))).toEqual({ code: 'validation_failed', detail, pointers: [pointer] });
  });

  it('takes the last pixel', () => {
    expect(() => check({ left: 540, top: 380 })).not.toThrow();
    expect(() => check({ width: 640, height: 480 })).not.toThrow();
  });
});

describe('what is known of a result before it is made', () => {
  const result = (operation: AnyOperation, given: object, probe = PHOTO) =>
    operation.engine === 'image' && operation.role === 'transform' && 'result' in operation
      ? operation.result(validateParams(operation, given), probe)
      : undefined;

  it('is upright, in 8 bits, and without the metadata of the input', () => {
    const deep = { ...PHOTO, bit_depth: 16, color_space: 'rgb16' };
    expect(result(imageCrop, { width: 64, height: 48 }, deep)).toMatchObject({
      width: 64,
      height: 48,
      stored_width: 64,
      orientation: 1,
      bit_depth: 8,
      color_space: 'srgb',
      has_gps: false,
      has_icc_profile: true,
    });
  });

  it.each([
    [{ angle: 90 }, 480, 640],
    [{ angle: -180 }, 640, 480],
    [{ angle: 45 }, 792, 792],
    [{ flip: 'both' }, 640, 480],
  ])('has the size of %j', (given, width, height) => {
    expect(result(imageRotate, given)).toMatchObject({ width, height });
  });

  it('has the placeholder of the input only where it looks the same', () => {
    const { placeholder } = PHOTO;
    expect(result(imageRotate, { angle: 360 })?.placeholder).toBe(placeholder);
    for (const [operation, given] of [
      [imageRotate, { angle: 180 }],
      [imageCrop, { width: 640, height: 480 }],
      [imageWatermark, {}],
    ] as const)
      expect(result(operation, given)).not.toHaveProperty('placeholder');
  });

  it('is told by every operation that makes an image of one', () => {
    const makers = OPERATIONS.filter(({ engine, role }) => engine === 'image' && role === 'transform');
    const told = makers.filter(
      (operation) => 'steps' in operation || result(operation, operation.example)?.kind === 'image',
    );
    expect(told.map(({ name }) => name)).toEqual(makers.map(({ name }) => name));
  });
});
