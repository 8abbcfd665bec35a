import { AppError, type ImageProbe, type Probe } from '@mediakiln/contracts';
import type { Sharp } from 'sharp';
import type { ImageOperation } from '../operation';
import { ChoiceParam, ColorParam, IntegerParam } from '../param';
import { encode } from './encode';
import { fittedSize } from './geometry';
import { type Rendering, applyRendering, openedFor, planRendering } from './rendering';
import { resultOf } from './result';

const FITS = ['inside', 'cover'] as const;
const FORMAT_CHOICES = ['webp', 'jpeg', 'png', 'avif'] as const;
const SIDE = { minimum: 16, maximum: 1024, default: 320 };

export class ImageThumbnailParams {
  @IntegerParam({ description: 'Width of the box in pixels', ...SIDE })
  width: number = SIDE.default;

  @IntegerParam({ description: 'Height of the box in pixels', ...SIDE })
  height: number = SIDE.default;

  @ChoiceParam({
    description: '`inside`: the whole picture, in its shape; `cover`: its middle, in the shape of the box',
    values: FITS,
    default: 'inside',
  })
  fit: (typeof FITS)[number] = 'inside';

  @ChoiceParam({ description: 'Format of the thumbnail', values: FORMAT_CHOICES, default: 'webp' })
  format: (typeof FORMAT_CHOICES)[number] = 'webp';

  @IntegerParam({
    description: '1 is the smallest file, 100 the best picture',
    minimum: 1,
    maximum: 100,
    default: 75,
  })
  quality: number = 75;

  @ColorParam({ description: 'Colour behind transparent parts in a JPEG', default: '#ffffff' })
  background: string = '#ffffff';
}

/** A small still picture for lists; of any image that is taken, and never larger than the image itself. */
export const imageThumbnail: ImageOperation<ImageThumbnailParams> = {
  name: 'image.thumbnail',
  engine: 'image',
  role: 'transform',
  lane: 'quick',
  summary:
    'Makes a small still picture of an image, at most 320x320 by default; of an animation its first frame',
  version: 1,
  params: ImageThumbnailParams,
  example: { width: 160, height: 160 },
  accepts: ['image'],
  minInputs: 1,
  maxInputs: 1,
  timeoutSeconds: () => 60,
  check: ([probe]: readonly Probe[]) => {
    if (probe?.kind !== 'image') throw new AppError('unsupported_input', 'image.thumbnail takes an image');
  },
  open: (params, probe) => openedFor(plan(params, probe), probe),
  draw,
  encode: (pipeline, { format, quality }) => encode(pipeline, format, { quality, effort: 'fast' }),
  result: (params, probe) =>
    resultOf(plan(params, probe), probe, {
      size: fittedSize(probe, { ...params, enlarge: false }),
      keepsLook: params.fit === 'inside',
    }),
  report: (params, probe) => ({
    ...fittedSize(probe, { ...params, enlarge: false }),
    quality: params.quality,
  }),
};

/** Colours are converted to sRGB: in a file of some kilobytes a profile would be a good part. */
function plan(params: ImageThumbnailParams, probe: ImageProbe): Rendering {
  const rendering = planRendering({ ...params, effort: 'fast', first_frame: true }, probe);
  return { ...rendering, colors: { ...rendering.colors, pixels: 'to_srgb' } };
}

function draw(pipeline: Sharp, params: ImageThumbnailParams, probe: ImageProbe): Sharp {
  const rendering = plan(params, probe);
  const size = fittedSize(probe, { ...params, enlarge: false });
  pipeline.autoOrient().resize({ ...size, fit: params.fit === 'cover' ? 'cover' : 'fill' });
  return applyRendering(pipeline, rendering, params.background, probe);
}
