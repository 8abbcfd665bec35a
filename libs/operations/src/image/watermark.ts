import { AppError, type FieldError, type ImageProbe, type Probe } from '@mediakiln/contracts';
import type { Sharp } from 'sharp';
import type { ImageLayer, ImageOperation } from '../operation';
import { ChoiceParam, ColorParam, FlagParam, NumberParam } from '../param';
import { encode } from './encode';
import { type Size, fittedSize } from './geometry';
import { ImageOutputParams, outputOf } from './output-params';
import { PLACES, type Place, shareBefore } from './positions';
import {
  type Rendering,
  applyRendering,
  assertFitsFormat,
  assertTurnable,
  openedFor,
  planRendering,
} from './rendering';
import { resultOf } from './result';

export class ImageWatermarkParams extends ImageOutputParams {
  @ChoiceParam({ description: 'Where the mark is put', values: PLACES, default: 'southeast' })
  position: Place = 'southeast';

  @NumberParam({
    description: 'Size of the mark: the largest that fits into this share of the width and of the height',
    minimum: 0.01,
    maximum: 1,
    default: 0.25,
  })
  scale: number = 0.25;

  @NumberParam({
    description: '0 cannot be seen, 1 hides the picture as far as the mark itself does',
    minimum: 0,
    maximum: 1,
    default: 0.5,
  })
  opacity: number = 0.5;

  @NumberParam({
    description: 'Distance from the edges, or between the marks of `tile`, as a share of the shorter side',
    minimum: 0,
    maximum: 0.4,
    default: 0.02,
  })
  margin: number = 0.02;

  @FlagParam({ description: 'Repeat the mark all over the picture, starting at `position`', default: false })
  tile: boolean = false;

  @ColorParam({
    description: 'Colour behind transparent parts when the output format has no transparency',
    default: '#ffffff',
  })
  background: string = '#ffffff';
}

/** Puts one image on another. */
export const imageWatermark: ImageOperation<ImageWatermarkParams> = {
  name: 'image.watermark',
  engine: 'image',
  role: 'transform',
  lane: 'heavy',
  summary:
    'Puts the second image on the first, upright and in its own colours; on every frame of an animation. The first ' +
    'frame of an animated mark is taken',
  version: 1,
  params: ImageWatermarkParams,
  example: { position: 'southeast', opacity: 0.6 },
  accepts: ['image'],
  minInputs: 2,
  maxInputs: 2,
  timeoutSeconds: () => 300,
  rules,
  check,
  open: (params, probe) => openedFor(plan(params, probe), probe),
  prepare,
  draw,
  encode: (pipeline, params, probe) => {
    const { format, ...output } = outputOf(params, probe);
    return encode(pipeline, format, output);
  },
  result: (params, probe) => resultOf(plan(params, probe), probe, { size: probe, keepsLook: false }),
  isByFrame: true,
  report: (params, probe) => ({ position: params.position, quality: outputOf(params, probe).quality }),
};

/** In sRGB and in colour: the mark has its own colours, which a profile of the picture would change. */
function plan(params: ImageWatermarkParams, probe: ImageProbe): Rendering {
  const order = { ...outputOf(params, probe), background: params.background, first_frame: false };
  const rendering = planRendering(order, probe);
  const pixels = probe.has_icc_profile ? 'to_srgb' : rendering.colors.pixels;
  return { ...rendering, colors: { pixels, isGrey: false } };
}

function rules({ scale, margin, tile }: ImageWatermarkParams): FieldError[] {
  if (tile || scale + margin <= 1) return [];
  const detail = `scale ${scale} and margin ${margin} are more than the whole picture`;
  return [{ pointer: '/params/margin', code: 'outside_picture', detail }];
}

function check([probe, mark]: readonly Probe[], params: ImageWatermarkParams): void {
  if (probe?.kind !== 'image') throw new AppError('unsupported_input', 'image.watermark takes an image');
  if (mark?.kind !== 'image') throw new AppError('unsupported_input', 'The watermark must be an image');
  const rendering = plan(params, probe);
  assertFitsFormat(rendering.format, probe);
  assertTurnable(rendering, probe);
}

const marginOf = ({ margin }: ImageWatermarkParams, { width, height }: Size): number =>
  Math.round(margin * Math.min(width, height));

function prepare(
  pipeline: Sharp,
  params: ImageWatermarkParams,
  picture: ImageProbe,
  mark: ImageProbe,
): Sharp {
  const share = (side: number): number => Math.max(1, Math.round(side * params.scale));
  const box = {
    width: share(picture.width),
    height: share(picture.height),
    fit: 'inside',
    enlarge: true,
  } as const;
  const size = fittedSize(mark, box);
  pipeline.resize({ ...size, fit: 'fill' });
  if (params.tile) {
    // With its gap a tile must not be larger than the picture.
    const margin = marginOf(params, picture);
    pipeline.extend({
      right: Math.min(margin, picture.width - size.width),
      bottom: Math.min(margin, picture.height - size.height),
      background: '#00000000',
    });
  }
  const veil = Buffer.from([255, 255, 255, Math.round(params.opacity * 255)]);
  return pipeline.composite([
    { input: veil, raw: { width: 1, height: 1, channels: 4 }, tile: true, blend: 'dest-in' },
  ]);
}

function draw(
  pipeline: Sharp,
  params: ImageWatermarkParams,
  probe: ImageProbe,
  [mark]: readonly ImageLayer[],
): Sharp {
  pipeline.autoOrient();
  if (mark) {
    const { data: input, ...raw } = mark;
    const place = params.tile ? { tile: true, gravity: params.position } : placeOf(probe, mark, params);
    pipeline.composite([{ input, raw, ...place }]);
  }
  return applyRendering(pipeline, plan(params, probe), params.background, probe);
}

interface Spot {
  left: number;
  top: number;
}

function placeOf(picture: Size, mark: Size, params: ImageWatermarkParams): Spot {
  const margin = marginOf(params, picture);
  const share = shareBefore(params.position);
  const along = (room: number, part: number): number => {
    // A mark that leaves too little room for the margin gets what there is.
    const edge = Math.min(margin, Math.floor(room / 2));
    return Math.round(edge + (room - 2 * edge) * part);
  };
  return {
    left: along(picture.width - mark.width, share.left),
    top: along(picture.height - mark.height, share.top),
  };
}
