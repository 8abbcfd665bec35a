import { AppError, type FieldError, type ImageProbe, type Probe } from '@mediakiln/contracts';
import type { ImageChain, ImageOperation, ImageStep } from '../operation';
import { ChoiceParam, IntegerParam, ListParam, ObjectParam } from '../param';
import { validateParams } from '../validate-params';
import { imageCompress } from './compress';
import { imageConvert } from './convert';
import { imageCrop } from './crop';
import { assertTurnable } from './rendering';
import { imageResize } from './resize';
import { upright } from './result';
import { imageRotate } from './rotate';
import { imageThumbnail } from './thumbnail';
import { imageWatermark } from './watermark';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- operations of any parameter class
const STEPS: Record<string, ImageOperation<any>> = Object.fromEntries(
  [imageCompress, imageResize, imageCrop, imageRotate, imageConvert, imageThumbnail, imageWatermark].map(
    (operation) => [operation.name, operation],
  ),
);
export const STEP_OPERATIONS: readonly string[] = Object.keys(STEPS);
export const MAX_STEPS = 10;
const MAX_INPUTS = 10;
const MAX_SECONDS = 600;
/** What only the writing of a file can keep. */
const FILE_ONLY = ['keep_metadata', 'max_bytes'] as const;

export class ImageStepParams {
  @ChoiceParam({ description: 'The operation', values: STEP_OPERATIONS, example: 'image.resize' })
  operation: string;

  @ObjectParam({
    description: 'Of the operation, as in a job of its own',
    optional: true,
    example: { width: 640 },
  })
  params?: object;

  @IntegerParam({
    description: 'Which input is the mark of `image.watermark`: 1 is the second',
    minimum: 1,
    maximum: MAX_INPUTS - 1,
    optional: true,
    example: 1,
  })
  input?: number;
}

export class ImageStepsParams {
  @ListParam({
    description:
      'Each works on what the one before it made. Only the last writes a file: what the others say of quality and ' +
      'effort is left out, their format decides on transparency and frames',
    of: ImageStepParams,
    minItems: 2,
    maxItems: MAX_STEPS,
    example: [
      { operation: 'image.resize', params: { width: 320 } },
      { operation: 'image.convert', params: { format: 'webp' } },
    ],
  })
  steps: ImageStepParams[];
}

/** Several operations with one decode and one encode: faster, and without the losses of the files in between. */
export const imageSteps: ImageChain<ImageStepsParams> = {
  name: 'image.steps',
  engine: 'image',
  role: 'transform',
  lane: 'heavy',
  summary: 'Runs several image operations one after the other on the pixels, and writes one file',
  version: 1,
  params: ImageStepsParams,
  example: {
    steps: [
      { operation: 'image.resize', params: { width: 320 } },
      { operation: 'image.rotate', params: { angle: 90 } },
      { operation: 'image.convert', params: { format: 'webp' } },
    ],
  },
  accepts: ['image'],
  minInputs: 1,
  maxInputs: MAX_INPUTS,
  timeoutSeconds: (probes, params) =>
    Math.min(
      MAX_SECONDS,
      stepsOf(params).reduce((sum, step) => sum + step.operation.timeoutSeconds(probes, step.params), 0),
    ),
  rules,
  check,
  steps: stepsOf,
};

function stepsOf({ steps }: ImageStepsParams): ImageStep[] {
  return steps.map((step) => {
    const operation = STEPS[step.operation]!;
    const layers = operation.minInputs > 1 ? [step.input ?? 1] : [];
    return { operation, params: validateParams(operation, step.params), layers };
  });
}

function rules({ steps }: ImageStepsParams): FieldError[] {
  return steps.flatMap((step, index) => {
    const operation = STEPS[step.operation]!;
    const errors = refusalsOf(index, () => validateParams(operation, step.params));
    if (step.input !== undefined && operation.maxInputs === 1)
      errors.push({
        pointer: `/params/steps/${index}/input`,
        code: 'not_for_operation',
        detail: `${operation.name} takes no further input`,
      });
    return [...errors, ...fileOnly(step, index, steps.length)];
  });
}

/** A file is written by the last step alone, and metadata is not carried through. */
function fileOnly({ params = {} }: ImageStepParams, index: number, count: number): FieldError[] {
  const given = FILE_ONLY.filter((name) => name in params && params[name as keyof typeof params] !== false);
  return given
    .filter((name) => name !== 'max_bytes' || index < count - 1)
    .map((name) => ({
      pointer: `/params/steps/${index}/params/${name}`,
      code: 'not_in_steps',
      detail:
        name === 'max_bytes' ? 'max_bytes goes with the last step' : `${name} does not go into several steps`,
    }));
}

/** Walks through the steps as the processor will, with what each is known to make. */
function check(probes: readonly Probe[], params: ImageStepsParams): void {
  const [first] = probes;
  if (first?.kind !== 'image') throw new AppError('unsupported_input', 'image.steps takes images');
  const steps = stepsOf(params);
  refuseWrongInputs(steps, probes.length);
  let probe: ImageProbe = upright(first);
  for (const [index, { operation, params: own, layers }] of steps.entries()) {
    try {
      operation.check([probe, ...layers.map((layer) => probes[layer]!)], own);
    } catch (error) {
      throw inStep(index, operation.name, error);
    }
    probe = operation.result(own, probe);
  }
  assertTurnable({ isAnimated: probe.frames > 1 }, first);
}

function refuseWrongInputs(steps: readonly ImageStep[], inputs: number): void {
  const used = new Set([0, ...steps.flatMap(({ layers }) => layers)]);
  const missing = steps.findIndex(({ layers }) => layers.some((layer) => layer >= inputs));
  if (missing !== -1) {
    const detail = `step ${missing + 1} takes input ${steps[missing]!.layers[0]}, but there are ${inputs} inputs, from 0 on`;
    throw new AppError('wrong_input_count', detail, {
      errors: [{ pointer: `/params/steps/${missing}/input`, code: 'no_such_input', detail }],
    });
  }
  if (used.size < inputs)
    throw new AppError('wrong_input_count', `There are ${inputs} inputs, but the steps take ${used.size}`);
}

/** What a step's parameters lack, with pointers that start at the step. @throws whatever is no refusal of fields. */
function refusalsOf(index: number, work: () => unknown): FieldError[] {
  try {
    work();
    return [];
  } catch (error) {
    if (!(error instanceof AppError) || !error.options.errors) throw error;
    return error.options.errors.map((one) => ({ ...one, pointer: `/params/steps/${index}${one.pointer}` }));
  }
}

/** The same refusal, saying which step it is about. */
function inStep(index: number, name: string, error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const { code, detail, options } = error;
  const own = options.errors ?? [{ pointer: '', code, detail }];
  return new AppError(code, `Step ${index + 1}, ${name}: ${detail}`, {
    ...options,
    errors: own.map((one) => ({ ...one, pointer: `/params/steps/${index}${one.pointer}` })),
  });
}
