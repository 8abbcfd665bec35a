import { AppError, type ImageProbe, type Probe } from '@mediakiln/contracts';
import type { Sharp } from 'sharp';
import type { ImageOperation } from '../operation';
import { ChoiceParam, ColorParam, NeedsOneOf, NumberParam } from '../param';
import { encode } from './encode';
import { FORMATS } from './formats';
import { type Size, assertOutputPixels } from './geometry';
import { ImageOutputParams, outputOf } from './output-params';
import {
  type Rendering,
  applyRendering,
  assertFitsFormat,
  assertTurnable,
  openedFor,
  planRendering,
} from './rendering';
import { resultOf } from './result';

const FLIPS = ['none', 'horizontal', 'vertical', 'both'] as const;
const WHITE = '#ffffff';
const TRANSPARENT = '#00000000';

@NeedsOneOf('angle', 'flip')
export class ImageRotateParams extends ImageOutputParams {
  @NumberParam({
    description:
      'Degrees clockwise, of the picture as it is shown. Multiples of 90 move every pixel as it is; at other angles ' +
      'the picture grows by the corners',
    minimum: -360,
    maximum: 360,
    optional: true,
    example: 90,
  })
  angle?: number;

  @ChoiceParam({
    description: 'Mirrored before it is turned: `horizontal` swaps left and right, `vertical` top and bottom',
    values: FLIPS,
    optional: true,
    example: 'none',
  })
  flip?: (typeof FLIPS)[number];

  @ColorParam({
    description:
      'Colour of the corners, and behind transparent parts when the format has no transparency. Default: white; ' +
      'corners of a transparent picture are transparent',
    optional: true,
    example: WHITE,
  })
  background?: string;
}

/** Turns and mirrors. */
export const imageRotate: ImageOperation<ImageRotateParams> = {
  name: 'image.rotate',
  engine: 'image',
  role: 'transform',
  lane: 'heavy',
  summary: 'Turns an image by any angle, or mirrors it; animations stay animated',
  version: 1,
  params: ImageRotateParams,
  example: { angle: 90 },
  accepts: ['image'],
  minInputs: 1,
  maxInputs: 1,
  timeoutSeconds: () => 300,
  check,
  open: (params, probe) => openedFor(plan(params, probe), probe),
  draw,
  encode: (pipeline, params, probe) => {
    const { format, ...output } = outputOf(params, probe);
    return encode(pipeline, format, output);
  },
  result: (params, probe) => {
    const rendering = plan(params, probe);
    return resultOf(rendering, probe, {
      size: turnedSize(probe, rendering.angle),
      keepsLook: rendering.angle === 0 && mirrorsOf(params).length === 0,
      addsAlpha: rendering.bars === TRANSPARENT,
    });
  },
  isByFrame: true,
  report: (params, probe) => ({
    angle: plan(params, probe).angle,
    flip: params.flip ?? 'none',
    quality: outputOf(params, probe).quality,
  }),
};

interface Plan extends Rendering {
  /** 0 to less than 360. */
  angle: number;
  bars: string;
}

function plan(params: ImageRotateParams, probe: ImageProbe): Plan {
  const angle = (((params.angle ?? 0) % 360) + 360) % 360;
  const output = outputOf(params, probe);
  const pads = angle % 90 !== 0;
  const order = { ...output, background: params.background ?? WHITE, first_frame: false, pads };
  const bars =
    params.background ?? (probe.has_alpha && FORMATS[output.format].hasAlpha ? TRANSPARENT : WHITE);
  return { ...planRendering(order, probe), angle, bars };
}

function mirrorsOf({ flip = 'none' }: ImageRotateParams): ('flip' | 'flop')[] {
  return { none: [], horizontal: ['flop'], vertical: ['flip'], both: ['flip', 'flop'] }[flip] as (
    'flip' | 'flop'
  )[];
}

/** The box around the turned picture; to a pixel, since libvips rounds in its own way. */
function turnedSize({ width, height }: Size, angle: number): Size {
  if (angle % 90 === 0) return angle % 180 === 0 ? { width, height } : { width: height, height: width };
  const radians = (angle / 180) * Math.PI;
  const [sine, cosine] = [Math.abs(Math.sin(radians)), Math.abs(Math.cos(radians))];
  return {
    width: Math.round(width * cosine + height * sine),
    height: Math.round(width * sine + height * cosine),
  };
}

function check([probe]: readonly Probe[], params: ImageRotateParams): void {
  if (probe?.kind !== 'image') throw new AppError('unsupported_input', 'image.rotate takes an image');
  const rendering = plan(params, probe);
  const size = turnedSize(probe, rendering.angle);
  assertOutputPixels(size, rendering.isAnimated ? probe.frames : 1);
  assertFitsFormat(rendering.format, size);
  assertTurnable(rendering, probe);
}

function draw(pipeline: Sharp, params: ImageRotateParams, probe: ImageProbe): Sharp {
  const rendering = plan(params, probe);
  pipeline.autoOrient();
  // sharp mirrors before it turns, whatever the order of the calls.
  for (const mirror of mirrorsOf(params)) pipeline[mirror]();
  if (rendering.angle !== 0) pipeline.rotate(rendering.angle, { background: rendering.bars });
  return applyRendering(pipeline, rendering, params.background ?? WHITE, probe);
}
