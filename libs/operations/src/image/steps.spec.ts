import { AppError, type ImageProbe } from '@mediakiln/contracts';
import { validateParams } from '../validate-params';
import { type ImageStepsParams, imageSteps } from './steps';

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
  has_gps: true,
};
const ANIMATION: ImageProbe = {
  ...PHOTO,
  format: 'gif',
  orientation: 1,
  frames: 50,
  stored_width: 400,
  stored_height: 300,
  width: 400,
  height: 300,
};

type Given = [operation: string, params?: object, input?: number];

const params = (...steps: Given[]): ImageStepsParams =>
  validateParams(imageSteps, {
    steps: steps.map(([operation, own, input]) => ({ operation: `image.${operation}`, params: own, input })),
  }) as ImageStepsParams;

/** What is refused, and where. */
function refusalOf(work: () => unknown): [code: string, ...pointers: string[]] {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError)
      return [error.code, ...(error.options.errors ?? []).map(({ pointer }) => pointer)];
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('the parameters of image.steps', () => {
  it('hold those of each step, with their defaults', () => {
    const [resize, compress] = imageSteps.steps(params(['resize', { width: 100 }], ['compress']));
    expect(resize!.params).toMatchObject({ width: 100, fit: 'inside', enlarge: false });
    expect(compress!.params).toMatchObject({ quality: 50, format: 'keep' });
    expect([resize!.layers, compress!.layers]).toEqual([[], []]);
  });

  it('give a mark the second input unless they name another', () => {
    const steps = imageSteps.steps(params(['watermark'], ['watermark', {}, 2]));
    expect(steps.map(({ layers }) => layers)).toEqual([[1], [2]]);
  });

  it.each<[Given[], string[]]>([
    [[['resize', { width: 100 }]], ['/params/steps']],
    [Array.from({ length: 11 }, (): Given => ['compress']), ['/params/steps']],
    [
      [['resize'], ['compress']],
      ['/params/steps/0/params/width', '/params/steps/0/params/height'],
    ],
    [[['compress'], ['rotate', { angle: 361 }]], ['/params/steps/1/params/angle']],
    [[['compress'], ['sharpen']], ['/params/steps/1/operation']],
    [[['compress'], ['steps']], ['/params/steps/1/operation']],
    [[['compress'], ['probe']], ['/params/steps/1/operation']],
    [[['compress', {}, 1], ['compress']], ['/params/steps/0/input']],
    [[['watermark', {}, 0], ['compress']], ['/params/steps/0/input']],
    [[['watermark', {}, 10], ['compress']], ['/params/steps/0/input']],
    [[['compress', { max_bytes: 500 }], ['compress']], ['/params/steps/0/params/max_bytes']],
    [[['compress'], ['compress', { keep_metadata: true }]], ['/params/steps/1/params/keep_metadata']],
  ])('are refused: %j', (steps, pointers) => {
    expect(refusalOf(() => params(...steps))).toEqual(['validation_failed', ...pointers]);
  });

  it('may ask for a size in the last step, and for no metadata in any', () => {
    expect(() =>
      params(['compress', { keep_metadata: false }], ['compress', { max_bytes: 500 }]),
    ).not.toThrow();
  });
});

describe('image.steps', () => {
  const check = (probes: ImageProbe[], ...steps: Given[]) => imageSteps.check(probes, params(...steps));

  it.each<[string, Given[], string, string]>([
    [
      'a crop outside of what a resize leaves',
      [
        ['resize', { width: 640 }],
        ['crop', { width: 641, height: 1 }],
      ],
      'validation_failed',
      '/params/steps/1/params/width',
    ],
    [
      'a crop outside of what a turn leaves',
      [
        ['rotate', { angle: 90 }],
        ['crop', { width: 3001, height: 1 }],
      ],
      'validation_failed',
      '/params/steps/1/params/width',
    ],
    [
      'more pixels than are made',
      [
        ['crop', { width: 4000, height: 2000 }],
        ['resize', { width: 16_000, enlarge: true }],
      ],
      'output_too_large',
      '/params/steps/1',
    ],
    [
      'a side that a format in between does not hold',
      [
        ['resize', { width: 1, height: 16_384, fit: 'fill', enlarge: true }],
        ['convert', { format: 'webp' }],
      ],
      'image_too_large',
      '/params/steps/1',
    ],
  ])('refuses %s before anything is run', (_, steps, code, pointer) => {
    expect(refusalOf(() => check([PHOTO], ...steps))).toEqual([code, pointer]);
  });

  it('goes by the picture as it is shown, and says which step it is', () => {
    expect(() => check([PHOTO], ['crop', { width: 4000, height: 3000 }], ['compress'])).not.toThrow();
    expect(() => check([PHOTO], ['crop', { width: 3000, height: 4000 }], ['compress'])).toThrow(
      'Step 1, image.crop: height 4000 is more than the height of the picture, which is 3000',
    );
  });

  it('refuses marks that are not there, and inputs that nobody takes', () => {
    expect(refusalOf(() => check([PHOTO], ['watermark'], ['compress']))).toEqual([
      'wrong_input_count',
      '/params/steps/0/input',
    ]);
    expect(refusalOf(() => check([PHOTO, PHOTO], ['resize', { width: 9 }], ['compress']))).toEqual([
      'wrong_input_count',
    ]);
    expect(() => check([PHOTO, PHOTO, PHOTO], ['watermark', {}, 2], ['watermark'])).not.toThrow();
  });

  it('refuses an animation only where it cannot stay one', () => {
    const found: Given = ['crop', { width: 9, height: 9, position: 'attention' }];
    expect(refusalOf(() => check([ANIMATION], ['resize', { width: 99 }], found))).toEqual([
      'validation_failed',
      '/params/steps/1/params/position',
    ]);
    expect(() => check([ANIMATION], ['convert', { format: 'png' }], found)).not.toThrow();
    const turned = { ...ANIMATION, format: 'webp' as const, orientation: 6 };
    expect(refusalOf(() => check([turned], ['rotate', { angle: 9 }], ['compress']))).toEqual([
      'unsupported_input',
    ]);
    expect(() => check([turned], ['rotate', { angle: 9 }], ['compress', { format: 'jpeg' }])).not.toThrow();
  });

  it('has the time of all its steps, up to ten minutes', () => {
    expect(imageSteps.timeoutSeconds([PHOTO], params(['thumbnail'], ['compress']))).toBe(360);
    expect(
      imageSteps.timeoutSeconds([PHOTO], params(['rotate', { angle: 1 }], ['compress'], ['compress'])),
    ).toBe(600);
  });
});
