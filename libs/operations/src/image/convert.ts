import { AppError, type FieldError, type ImageProbe, type Probe } from '@mediakiln/contracts';
import type { Sharp } from 'sharp';
import type { ImageOperation } from '../operation';
import { ChoiceParam, ColorParam, FlagParam, IntegerParam } from '../param';
import { type EncodeParams, encode } from './encode';
import { GOOD_QUALITIES } from './output-params';
import {
  type Rendering,
  applyRendering,
  assertFitsFormat,
  assertTurnable,
  openedFor,
  planRendering,
} from './rendering';
import { resultOf } from './result';

const FORMAT_CHOICES = ['jpeg', 'png', 'webp', 'avif', 'gif'] as const;
type Target = (typeof FORMAT_CHOICES)[number];

const FITTING: Record<Target, readonly (keyof ImageConvertParams)[]> = {
  jpeg: ['quality', 'progressive', 'background'],
  png: ['quality', 'lossless', 'progressive'],
  webp: ['quality', 'lossless'],
  avif: ['quality', 'lossless'],
  gif: ['quality'],
};
const CHOOSY = ['quality', 'lossless', 'progressive', 'background'] as const;
const WHITE = '#ffffff';

export class ImageConvertParams {
  @ChoiceParam({ description: 'Format of the output', values: FORMAT_CHOICES, example: 'webp' })
  format: Target;

  @IntegerParam({
    description:
      '1 is the smallest file, 100 the best picture. Default: 80 for JPEG and WebP, 55 for AVIF, 90 for GIF; PNG is ' +
      'lossless without it, and below 100 it is quantised to a palette',
    minimum: 1,
    maximum: 100,
    optional: true,
    example: 80,
  })
  quality?: number;

  @FlagParam({
    description:
      'Every pixel as it is, in 8 bits a channel; PNG, WebP and AVIF, and not together with `quality`. Default: only in PNG',
    optional: true,
    example: false,
  })
  lossless?: boolean;

  @ChoiceParam({
    description: '`small` spends several times the processor time on a smaller file of the same look',
    values: ['fast', 'small'],
    default: 'fast',
  })
  effort: 'fast' | 'small' = 'fast';

  @FlagParam({
    description:
      'Shows itself from coarse to fine while it loads; JPEG and PNG. Default: no, but a `small` JPEG does',
    optional: true,
    example: true,
  })
  progressive?: boolean;

  @ColorParam({
    description: 'Colour behind transparent parts in a JPEG. Default: white',
    optional: true,
    example: WHITE,
  })
  background?: string;

  @FlagParam({
    description:
      'Take only the first frame of an animation, which formats other than GIF and WebP do in any case; the report says so',
    default: false,
  })
  first_frame: boolean = false;
}

/** The same picture in another format. */
export const imageConvert: ImageOperation<ImageConvertParams> = {
  name: 'image.convert',
  engine: 'image',
  role: 'transform',
  lane: 'heavy',
  summary: 'Writes an image in another format; animations stay animated in GIF and WebP',
  version: 1,
  params: ImageConvertParams,
  example: { format: 'webp' },
  accepts: ['image'],
  minInputs: 1,
  maxInputs: 1,
  timeoutSeconds: () => 300,
  rules,
  check,
  open: (params, probe) => openedFor(plan(params, probe), probe),
  draw,
  encode: (pipeline, params) => encode(pipeline, params.format, encoding(params)),
  result: (params, probe) => resultOf(plan(params, probe), probe, { size: probe, keepsLook: true }),
  report: (params, probe) => {
    const { quality, lossless = false } = encoding(params);
    return {
      quality: lossless ? null : quality,
      lossless,
      frames_left_out: plan(params, probe).isAnimated ? 0 : probe.frames - 1,
    };
  },
};

function rules(params: ImageConvertParams): FieldError[] {
  const { format } = params;
  const unfit = CHOOSY.filter((name) => params[name] !== undefined && !FITTING[format].includes(name));
  const errors = unfit.map((name) => ({
    pointer: `/params/${name}`,
    code: 'not_for_format',
    detail: `${name} does not go with ${format}`,
  }));
  if (params.lossless === true && params.quality !== undefined)
    errors.push({
      pointer: '/params/quality',
      code: 'conflict',
      detail: 'quality does not go with lossless',
    });
  return errors;
}

function encoding({ format, quality, lossless, effort, progressive }: ImageConvertParams): EncodeParams {
  const isLossless = lossless ?? (format === 'png' && (quality ?? 100) === 100);
  return { quality: quality ?? GOOD_QUALITIES[format], lossless: isLossless, effort, progressive };
}

function plan(params: ImageConvertParams, probe: ImageProbe): Rendering {
  const { format, first_frame, background = WHITE } = params;
  return planRendering({ ...encoding(params), format, first_frame, background }, probe);
}

function check([probe]: readonly Probe[], params: ImageConvertParams): void {
  if (probe?.kind !== 'image') throw new AppError('unsupported_input', 'image.convert takes an image');
  assertFitsFormat(params.format, probe);
  assertTurnable(plan(params, probe), probe);
}

/** The pixels are turned: most targets have no orientation of their own. */
function draw(pipeline: Sharp, params: ImageConvertParams, probe: ImageProbe): Sharp {
  if (probe.orientation !== 1) pipeline.autoOrient();
  return applyRendering(pipeline, plan(params, probe), params.background ?? WHITE, probe);
}
