import { planOf } from './job.plan';
import type { JobStepRequest } from './step.request';

type Asked = [operation: string, more?: Partial<JobStepRequest>];

const planned = (inputs: number, ...steps: Asked[]) =>
  planOf({
    inputs: Array.from({ length: inputs }, () => ({ media_id: 'latest' })),
    steps: steps.map(([operation, more]) => ({ operation, ...more })),
  });
const inputsOf = (inputs: number, ...steps: Asked[]) =>
  planned(inputs, ...steps).map(
    ({ operation, inputs: from }) =>
      `${operation.name}: ${from.map((one) => ('input' in one ? `input ${one.input}` : `job ${one.job}`)).join(', ')}`,
  );

const TRIM: Asked = ['video.trim', { params: { start_time: 0, end_time: 1 } }];
const SMALL: Asked = ['image.resize', { params: { width: 9 } }];
const THEN: Asked = ['image.compress'];

describe('steps become jobs', () => {
  it.each<[string, number, Asked[], string[]]>([
    ['one for a step', 1, [TRIM], ['video.trim: input 0']],
    [
      'one for each, but one for pictures that follow each other',
      1,
      [TRIM, ['video.poster'], SMALL, THEN, ['video.from_image'], TRIM],
      [
        'video.trim: input 0',
        'video.poster: job 0',
        'image.steps: job 1',
        'video.from_image: job 2',
        'video.trim: job 3',
      ],
    ],
    [
      'with the marks behind the picture, each once',
      3,
      [
        ['video.poster'],
        ['image.watermark', { input: 2 }],
        ['image.watermark', { input: 1 }],
        ['image.watermark', { inputs: [{ step: 2 }, { step: 0 }] }],
        ['image.watermark', { input: 2 }],
      ],
      ['video.poster: input 0', 'image.steps: job 0, input 1, input 2, job 0'],
    ],
    [
      'two for pictures where what is between is taken once more',
      1,
      [SMALL, THEN, ['image.watermark', { inputs: [{ step: 1 }, { step: 0 }] }]],
      ['image.resize: input 0', 'image.steps: job 0, job 0'],
    ],
    [
      'two for pictures that do not work on each other',
      2,
      [
        SMALL,
        ['image.compress', { inputs: [{ input: 1 }] }],
        ['image.watermark', { inputs: [{ step: 0 }, { step: 1 }] }],
      ],
      ['image.resize: input 0', 'image.compress: input 1', 'image.watermark: job 0, job 1'],
    ],
  ])('%s', (_, inputs, steps, jobs) => {
    expect(inputsOf(inputs, ...steps)).toEqual(jobs);
  });

  it('keeps the place of each mark', () => {
    const [, chain] = planned(
      3,
      ['video.poster'],
      ['image.watermark', { input: 2 }],
      ['image.watermark', { inputs: [{ step: 1 }, { input: 1 }] }],
    );
    expect(chain!.params).toMatchObject({ steps: [{ input: 2 }, {}] });
    expect(chain!.inputs).toEqual([{ job: 0, output: 'output' }, { input: 1 }, { input: 2 }]);
  });

  it('names the outputs that have names', () => {
    expect(planned(1, TRIM, ['video.poster'])[1]!.inputs).toEqual([{ job: 0, output: 'output' }]);
  });
});

it.each<[string, Asked[], string]>([
  ['of a job of its own', [TRIM, ['video.poster', { params: { width: 0 } }]], '/steps/1/params/width'],
  [
    'of one among several pictures',
    [TRIM, ['video.poster'], SMALL, ['image.rotate', { params: { angle: 361 } }]],
    '/steps/3/params/angle',
  ],
  [
    'of what only the last writes',
    [['video.poster'], ['image.compress', { params: { max_bytes: 500 } }], SMALL],
    '/steps/1/params/max_bytes',
  ],
])('refuses parameters %s at their place', (_, steps, pointer) => {
  expect(() => planned(1, ...steps)).toThrow(
    expect.objectContaining({
      code: 'validation_failed',
      options: expect.objectContaining({ errors: [expect.objectContaining({ pointer })] }),
    }),
  );
});
