import { AppError, type FieldError, type ImageProbe, type Probe } from '@mediakiln/contracts';
import type { Sharp } from 'sharp';
import type { ImageOperation } from '../operation';
import { ChoiceParam, ColorParam, FlagParam, IntegerParam, NeedsOneOf } from '../param';
import { encode } from './encode';
import { FORMATS } from './formats';
import { FITS, type Fit, type Size, assertOutputPixels, fittedSize } from './geometry';
import { POSITIONS, type Position, isSearched } from './positions';
import {
  type Rendering,
  applyRendering,
  assertFitsFormat,
  assertTurnable,
  openedFor,
  planRendering,
} from './rendering';
import { resultOf } from './result';

const FORMAT_CHOICES = ['keep', 'jpeg', 'png', 'webp', 'avif', 'gif'] as const;
const MAX_SIDE = 16_384;
const WHITE = '#ffffff';
const TRANSPARENT = '#00000000';

@NeedsOneOf('width', 'height')
export class ImageResizeParams {
  @IntegerParam({
    description: 'Pixels of the picture as it is shown. Of width and height one is enough: the other follows',
    minimum: 1,
    maximum: MAX_SIDE,
    optional: true,
    example: 320,
  })
  width?: number;

  @IntegerParam({
    description: 'As `width`',
    minimum: 1,
    maximum: MAX_SIDE,
    optional: true,
    example: 240,
  })
  height?: number;

  @ChoiceParam({
    description:
      '`inside`: the whole picture, at most of this size; `outside`: at least of it; `cover`: cut to this shape; ' +
      '`contain`: the whole picture with bars; `fill`: stretched',
    values: FITS,
    default: 'inside',
  })
  fit: Fit = 'inside';

  @FlagParam({
    description:
      'Make a small picture larger. Else it stays as it is: `cover` then cuts a smaller piece of the same shape, and ' +
      '`contain` adds wider bars',
    default: false,
  })
  enlarge: boolean = false;

  @ChoiceParam({
    description:
      'Which part `cover` leaves, and where `contain` puts the picture; `entropy` and `attention` look for the part ' +
      'that matters, in `cover` of a still picture',
    values: POSITIONS,
    default: 'centre',
  })
  position: Position = 'centre';

  @ColorParam({
    description:
      'Colour of the bars of `contain`, and behind transparent parts when the format has no transparency. Default: ' +
      'white; bars beside a transparent picture are transparent',
    optional: true,
    example: WHITE,
  })
  background?: string;

  @ChoiceParam({ description: 'Format of the output', values: FORMAT_CHOICES, default: 'keep' })
  format: (typeof FORMAT_CHOICES)[number] = 'keep';

  @IntegerParam({
    description:
      '1 is the smallest file, 100 the best picture; PNG is lossless at 100 and quantised to a palette below',
    minimum: 1,
    maximum: 100,
    default: 50,
  })
  quality: number = 50;
}

/** Makes an image of another size, animations frame by frame. */
export const imageResize: ImageOperation<ImageResizeParams> = {
  name: 'image.resize',
  engine: 'image',
  role: 'transform',
  lane: 'heavy',
  summary: 'Changes the size of an image: fits it into a box, cuts it, adds bars; animations stay animated',
  version: 1,
  params: ImageResizeParams,
  example: { width: 320, height: 240, fit: 'cover' },
  accepts: ['image'],
  minInputs: 1,
  maxInputs: 1,
  timeoutSeconds: () => 300,
  rules,
  check,
  open: (params, probe) => openedFor(plan(params, probe), probe),
  draw,
  encode: (pipeline, params, probe) =>
    encode(pipeline, plan(params, probe).format, { quality: params.quality, effort: 'fast' }),
  result: (params, probe) => {
    const rendering = plan(params, probe);
    return resultOf(rendering, probe, { size: rendering.size, keepsLook: isWhole(params) });
  },
  // All at once, each frame would get lines of its neighbours at its edges.
  isByFrame: true,
  report: (params, probe) => ({ ...plan(params, probe).size, quality: params.quality }),
};

interface Plan extends Rendering {
  size: Size;
  /** Bars are added. */
  pads: boolean;
}

function plan(params: ImageResizeParams, probe: ImageProbe): Plan {
  const format = params.format === 'keep' ? probe.format : params.format;
  const pads = params.fit === 'contain' && hasBox(params);
  const order = { format, quality: params.quality, effort: 'fast', first_frame: false } as const;
  const background = params.background ?? WHITE;
  return {
    ...planRendering({ ...order, background, pads }, probe),
    size: fittedSize(probe, params),
    pads,
  };
}

const hasBox = ({ width, height }: ImageResizeParams): boolean => width !== undefined && height !== undefined;
/** Neither cut, nor stretched, nor with bars. */
const isWhole = (params: ImageResizeParams): boolean =>
  !hasBox(params) || params.fit === 'inside' || params.fit === 'outside';

function rules(params: ImageResizeParams): FieldError[] {
  const refuse = (detail: string): FieldError[] => [
    { pointer: '/params/position', code: 'not_for_fit', detail },
  ];
  if (params.position === 'centre') return [];
  if (isSearched(params.position) && params.fit !== 'cover')
    return refuse(`position ${params.position} goes with fit cover, not with ${params.fit}`);
  if (params.fit !== 'cover' && params.fit !== 'contain')
    return refuse(`position goes with fit cover and contain, not with ${params.fit}`);
  return [];
}

function check([probe]: readonly Probe[], params: ImageResizeParams): void {
  if (probe?.kind !== 'image') throw new AppError('unsupported_input', 'image.resize takes an image');
  const rendering = plan(params, probe);
  const { format, size, isAnimated } = rendering;
  assertOutputPixels(size, isAnimated ? probe.frames : 1);
  assertFitsFormat(format, size);
  assertTurnable(rendering, probe);
  if (!isAnimated || !isSearched(params.position)) return;
  const detail = `position ${params.position} takes a still picture; this one has ${probe.frames} frames`;
  throw new AppError('validation_failed', detail, {
    errors: [{ pointer: '/params/position', code: 'not_for_animations', detail }],
  });
}

function draw(pipeline: Sharp, params: ImageResizeParams, probe: ImageProbe): Sharp {
  const rendering = plan(params, probe);
  const { size, pads } = rendering;
  const isCut = params.fit === 'cover' && hasBox(params);
  pipeline.autoOrient();
  pipeline.resize({
    ...size,
    // The size is worked out already, for the limits and to the pixel; only cutting and padding are left to libvips.
    fit: isCut ? 'cover' : pads ? 'contain' : 'fill',
    position: params.position,
    background: barColor(params, probe, rendering),
    withoutEnlargement: pads && !params.enlarge,
  });
  return applyRendering(pipeline, rendering, params.background ?? WHITE, probe);
}

function barColor({ background }: ImageResizeParams, probe: ImageProbe, { format }: Plan): string {
  return background ?? (probe.has_alpha && FORMATS[format].hasAlpha ? TRANSPARENT : WHITE);
}
