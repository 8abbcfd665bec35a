import { AppError, type ImageProbe, type Probe } from '@mediakiln/contracts';
import type { Sharp, SharpOptions } from 'sharp';
import type { ImageOperation } from '../operation';
import { ChoiceParam, ColorParam, FlagParam, IntegerParam } from '../param';
import { encode } from './encode';
import { FORMATS } from './formats';
import { type Rendering, applyRendering, assertFitsFormat, ignoresIcc, planRendering } from './rendering';

const EFFORTS = ['fast', 'small'] as const;
const FORMAT_CHOICES = ['keep', 'jpeg', 'png', 'webp', 'avif'] as const;

export class ImageCompressParams {
  @IntegerParam({
    description:
      '1 is the smallest file, 100 the best picture; PNG is lossless at 100 and quantised to a palette below',
    minimum: 1,
    maximum: 100,
    default: 50,
  })
  quality: number = 50;

  @ChoiceParam({ description: 'Format of the output', values: FORMAT_CHOICES, default: 'keep' })
  format: (typeof FORMAT_CHOICES)[number] = 'keep';

  @ChoiceParam({
    description: '`small` spends several times the processor time on a smaller file of the same look',
    values: EFFORTS,
    default: 'fast',
  })
  effort: (typeof EFFORTS)[number] = 'fast';

  @ColorParam({
    description: 'Colour behind transparent parts when the output format has no transparency',
    default: '#ffffff',
  })
  background: string = '#ffffff';

  @FlagParam({
    description:
      'Give back the original picture, in its own format, when the output would not be smaller: never larger',
    default: true,
  })
  keep_smaller: boolean = true;

  @FlagParam({
    description: 'Keep EXIF and XMP, GPS position included; orientation and colour profile are kept always',
    default: false,
  })
  keep_metadata: boolean = false;

  @FlagParam({ description: 'Take only the first frame of an animation', default: false })
  first_frame: boolean = false;
}

/** Makes an image smaller at its own size. */
export const imageCompress: ImageOperation<ImageCompressParams> = {
  name: 'image.compress',
  engine: 'image',
  role: 'transform',
  lane: 'heavy',
  summary: 'Makes an image file smaller, colours, orientation and transparency unharmed',
  version: 1,
  params: ImageCompressParams,
  example: { quality: 60 },
  accepts: ['image'],
  minInputs: 1,
  maxInputs: 1,
  timeoutSeconds: () => 300,
  check,
  open,
  apply,
  target: (params, probe) => FORMATS[plan(params, probe).format].target,
  goal: (params, probe) => ({
    // The whole animation is no answer to a request for its first frame.
    keep_smaller: params.keep_smaller && !(params.first_frame && probe.frames > 1),
    strip_metadata: !params.keep_metadata,
  }),
  report: (params, probe) => ({ quality: params.quality, fast_path: plan(params, probe).isFastPath }),
};

interface Plan extends Rendering {
  /** JPEG to JPEG whose pixels pass through: no colour conversion, no turning, one pass over the file. */
  isFastPath: boolean;
}

function plan(params: ImageCompressParams, probe: ImageProbe): Plan {
  const format = params.format === 'keep' ? probe.format : params.format;
  const rendering = planRendering({ ...params, format }, probe);
  return {
    ...rendering,
    isFastPath:
      probe.format === 'jpeg' &&
      format === 'jpeg' &&
      params.effort === 'fast' &&
      rendering.colors.pixels === 'unchanged',
  };
}

function check([probe]: readonly Probe[], params: ImageCompressParams): void {
  if (probe?.kind !== 'image') throw new AppError('unsupported_input', 'image.compress takes an image');
  assertFitsFormat(plan(params, probe).format, probe);
}

function open(params: ImageCompressParams, probe: ImageProbe): SharpOptions {
  const rendering = plan(params, probe);
  return {
    ignoreIcc: ignoresIcc(rendering, probe),
    sequentialRead: true,
    failOn: 'error',
    animated: rendering.isAnimated,
  };
}

function apply(pipeline: Sharp, params: ImageCompressParams, probe: ImageProbe): Sharp {
  const rendering = plan(params, probe);
  const { format, isAnimated } = rendering;
  applyRendering(pipeline, rendering, params.background, probe);
  if (params.keep_metadata) pipeline.keepExif().keepXmp();
  if (probe.orientation !== 1) {
    // A JPEG keeps its tag, which costs nothing; turning the pixels of a 12-megapixel photo takes about 100 ms.
    const keepsTag = format === 'jpeg' || isAnimated;
    if (!keepsTag) pipeline.autoOrient();
    else if (!params.keep_metadata) pipeline.withExif({ IFD0: { Orientation: String(probe.orientation) } });
  }
  return encode(pipeline, format, params);
}
