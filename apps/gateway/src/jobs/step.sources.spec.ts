import { AppError } from '@mediakiln/contracts';
import {
  type AnyOperation,
  imageResize,
  imageWatermark,
  videoFromImage,
  videoPoster,
  videoTrim,
} from '@mediakiln/operations';
import type { JobStepRequest } from './step.request';
import { withSources } from './step.sources';

const trim = videoTrim as AnyOperation;
const poster = videoPoster as AnyOperation;
const resize = imageResize as AnyOperation;
const watermark = imageWatermark as AnyOperation;
const toVideo = videoFromImage as AnyOperation;
/** Of several videos, as a merge is. */
const join: AnyOperation = { ...videoTrim, name: 'video.join', minInputs: 2, maxInputs: 100 };
/** Whose outputs have names, as a sprite sheet's have. */
const sheets: AnyOperation = { ...videoTrim, name: 'video.sheets', makes: { sheet: 'image', cues: 'other' } };
/** Whose output nobody else can take. */
const last: AnyOperation = { ...videoTrim, name: 'video.last', makes: {} };

type Asked = [AnyOperation, Partial<JobStepRequest>?];

const sourcesOf = (inputs: number, ...steps: Asked[]) =>
  withSources(
    steps.map(([operation, more]) => ({ operation, asked: { operation: operation.name, ...more } })),
    inputs,
  ).map(({ sources }) =>
    sources.map((one) => ('input' in one ? `input ${one.input}` : `step ${one.step} ${one.output}`)),
  );

describe('a step works', () => {
  it.each<[string, number, Asked[], string[][]]>([
    [
      'on what the one before it makes, the first on the first input',
      1,
      [[trim], [poster], [resize]],
      [['input 0'], ['step 0 output'], ['step 1 output']],
    ],
    [
      'on the second input besides where it takes two',
      2,
      [[trim], [poster], [watermark]],
      [['input 0'], ['step 0 output'], ['step 1 output', 'input 1']],
    ],
    [
      'on the input that it names besides',
      3,
      [[watermark, { input: 2 }], [watermark]],
      [
        ['input 0', 'input 2'],
        ['step 0 output', 'input 1'],
      ],
    ],
    [
      'on all that no step names where it takes many',
      5,
      [[join], [poster], [watermark, { input: 3 }]],
      [['input 0', 'input 1', 'input 2', 'input 4'], ['step 0 output'], ['step 1 output', 'input 3']],
    ],
    [
      'likewise when it is not the first',
      3,
      [[trim], [join]],
      [['input 0'], ['step 0 output', 'input 1', 'input 2']],
    ],
    [
      'on what it names, in that order and as often',
      2,
      [
        [trim],
        [trim, { inputs: [{ input: 1 }] }],
        [join, { inputs: [{ step: 1 }, { step: 0 }, { step: 1 }] }],
      ],
      [['input 0'], ['input 1'], ['step 1 output', 'step 0 output', 'step 1 output']],
    ],
    [
      'on the first output unless it names another',
      1,
      [[sheets], [resize], [resize, { inputs: [{ step: 0, output: 'sheet' }] }]],
      [['input 0'], ['step 0 sheet'], ['step 0 sheet']],
    ],
    [
      'on a video that was made of a picture',
      1,
      [[poster], [toVideo], [trim]],
      [['input 0'], ['step 0 output'], ['step 1 output']],
    ],
  ])('%s', (_, inputs, steps, sources) => {
    expect(sourcesOf(inputs, ...steps)).toEqual(sources);
  });
});

describe('steps are refused', () => {
  it.each<[string, number, Asked[], string, string[]]>([
    [
      'for a step that is not before it',
      1,
      [[trim], [trim, { inputs: [{ step: 1 }] }]],
      'validation_failed',
      ['/steps/1/inputs/0/step'],
    ],
    [
      'for one that comes later',
      1,
      [[trim, { inputs: [{ step: 1 }] }], [trim]],
      'validation_failed',
      ['/steps/0/inputs/0/step'],
    ],
    [
      'for an input that is not there',
      1,
      [[join, { inputs: [{ input: 0 }, { input: 1 }] }]],
      'wrong_input_count',
      ['/steps/0/inputs/1/input'],
    ],
    ['for a second one that is not there', 1, [[watermark]], 'wrong_input_count', ['/steps/0/input']],
    ['for inputs that nobody takes', 3, [[trim], [poster]], 'wrong_input_count', ['/inputs/1', '/inputs/2']],
    [
      'for an input and a step at once',
      1,
      [[trim], [trim, { inputs: [{ step: 0, input: 0 }] }]],
      'validation_failed',
      ['/steps/1/inputs/0/input'],
    ],
    [
      'for an output of an input',
      1,
      [[trim, { inputs: [{ input: 0, output: 'output' }] }]],
      'validation_failed',
      ['/steps/0/inputs/0/input'],
    ],
    [
      'for an output that there is not',
      1,
      [[sheets], [resize, { inputs: [{ step: 0, output: 'output' }] }]],
      'validation_failed',
      ['/steps/1/inputs/0/output'],
    ],
    ['behind one that makes nothing to work on', 1, [[last], [trim]], 'validation_failed', ['/steps/1']],
    ['for a picture where a video is taken', 1, [[poster], [trim]], 'unsupported_input', ['/steps/1']],
    [
      'for an output of another kind',
      1,
      [[sheets], [resize, { inputs: [{ step: 0, output: 'cues' }] }]],
      'unsupported_input',
      ['/steps/1'],
    ],
    [
      'for a further input where one is taken',
      1,
      [[trim, { input: 1 }]],
      'validation_failed',
      ['/steps/0/input'],
    ],
    [
      'for a further input beside those that are named',
      2,
      [[watermark, { input: 1, inputs: [{ input: 0 }, { input: 1 }] }]],
      'validation_failed',
      ['/steps/0/input'],
    ],
  ])('%s', (_, inputs, steps, code, pointers) => {
    const error = refusalOf(() => sourcesOf(inputs, ...steps));
    expect([error.code, error.options.errors!.map(({ pointer }) => pointer)]).toEqual([code, pointers]);
  });
});

function refusalOf(work: () => unknown): AppError {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
