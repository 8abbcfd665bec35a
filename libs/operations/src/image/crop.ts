import { AppError, type FieldError, type ImageProbe, type Probe } from '@mediakiln/contracts';
import type { Sharp } from 'sharp';
import type { ImageOperation } from '../operation';
import { ChoiceParam, ColorParam, IntegerParam } from '../param';
import { encode } from './encode';
import { ImageOutputParams, outputOf } from './output-params';
import { POSITIONS, type Position, isSearched, shareBefore } from './positions';
import {
  type Rendering,
  applyRendering,
  assertFitsFormat,
  assertTurnable,
  openedFor,
  planRendering,
} from './rendering';
import { resultOf } from './result';

const SIDE = { minimum: 1, maximum: 1_000_000 };
const OFFSET = { minimum: 0, maximum: 999_999, optional: true, example: 0 };

export class ImageCropParams extends ImageOutputParams {
  @IntegerParam({ description: 'Pixels of the picture as it is shown', ...SIDE, example: 160 })
  width: number;

  @IntegerParam({ description: 'As `width`', ...SIDE, example: 120 })
  height: number;

  @IntegerParam({
    description: 'Pixels of the shown picture to the left of the piece; together with `top`',
    ...OFFSET,
  })
  left?: number;

  @IntegerParam({
    description: 'Pixels of the shown picture above the piece; together with `left`',
    ...OFFSET,
  })
  top?: number;

  @ChoiceParam({
    description:
      'Where the piece lies, instead of `left` and `top`. `entropy` and `attention` look for the part of a still ' +
      'picture that matters. Default: centre',
    values: POSITIONS,
    optional: true,
    example: 'attention',
  })
  position?: Position;

  @ColorParam({
    description: 'Colour behind transparent parts when the output format has no transparency',
    default: '#ffffff',
  })
  background: string = '#ffffff';
}

/** Cuts a piece out, at its own scale. */
export const imageCrop: ImageOperation<ImageCropParams> = {
  name: 'image.crop',
  engine: 'image',
  role: 'transform',
  lane: 'heavy',
  summary:
    'Cuts a piece out of an image, given by its place or found by what matters; animations stay animated',
  version: 1,
  params: ImageCropParams,
  example: { width: 160, height: 120, position: 'attention' },
  accepts: ['image'],
  minInputs: 1,
  maxInputs: 1,
  timeoutSeconds: () => 300,
  rules,
  check,
  open: (params, probe) => openedFor(plan(params, probe), probe),
  draw,
  encode: (pipeline, params, probe) => {
    const { format, ...output } = outputOf(params, probe);
    return encode(pipeline, format, output);
  },
  result: (params, probe) => resultOf(plan(params, probe), probe, { size: params, keepsLook: false }),
  report: (params, probe) => ({
    width: params.width,
    height: params.height,
    quality: outputOf(params, probe).quality,
  }),
};

function plan(params: ImageCropParams, probe: ImageProbe): Rendering {
  const order = { ...outputOf(params, probe), background: params.background, first_frame: false };
  return planRendering(order, probe);
}

function rules({ left, top, position }: ImageCropParams): FieldError[] {
  const errors: FieldError[] = [];
  if ((left === undefined) !== (top === undefined))
    errors.push({
      pointer: left === undefined ? '/params/left' : '/params/top',
      code: 'both_needed',
      detail: 'left and top go together',
    });
  if (position !== undefined && (left ?? top) !== undefined)
    errors.push({
      pointer: '/params/position',
      code: 'conflict',
      detail: 'position does not go with left and top',
    });
  return errors;
}

function check([probe]: readonly Probe[], params: ImageCropParams): void {
  if (probe?.kind !== 'image') throw new AppError('unsupported_input', 'image.crop takes an image');
  const rendering = plan(params, probe);
  const errors = [
    ...outside('width', params.left, params.width, probe.width),
    ...outside('height', params.top, params.height, probe.height),
  ];
  if (rendering.isAnimated && params.position && isSearched(params.position))
    errors.push({
      pointer: '/params/position',
      code: 'not_for_animations',
      detail: `position ${params.position} takes a still picture; this one has ${probe.frames} frames`,
    });
  if (errors.length > 0)
    throw new AppError('validation_failed', errors.map(({ detail }) => detail).join('; '), { errors });
  assertFitsFormat(rendering.format, params);
  assertTurnable(rendering, probe);
}

/** At the place where nothing else could be given instead: the size when it alone is too much, else the offset. */
function outside(side: 'width' | 'height', offset = 0, asked: number, actual: number): FieldError[] {
  if (offset + asked <= actual) return [];
  const near = side === 'width' ? 'left' : 'top';
  const sum =
    offset === 0 ? `${side} ${asked}` : `${near} ${offset} and ${side} ${asked}, ${offset + asked} in sum,`;
  return [
    {
      pointer: `/params/${asked > actual ? side : near}`,
      code: 'outside_picture',
      detail: `${sum} is more than the ${side} of the picture, which is ${actual}`,
    },
  ];
}

function draw(pipeline: Sharp, params: ImageCropParams, probe: ImageProbe): Sharp {
  const { width, height, position = 'centre' } = params;
  pipeline.autoOrient();
  // Without reduction the search works at the picture's own scale, and cuts nothing but the piece.
  if (isSearched(position))
    pipeline.resize({ width, height, fit: 'cover', position, withoutReduction: true });
  else {
    const share = shareBefore(position);
    pipeline.extract({
      left: params.left ?? Math.round((probe.width - width) * share.left),
      top: params.top ?? Math.round((probe.height - height) * share.top),
      width,
      height,
    });
  }
  return applyRendering(pipeline, plan(params, probe), params.background, probe);
}
