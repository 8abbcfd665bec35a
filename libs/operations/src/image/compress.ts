import { AppError, type ImageProbe, type Probe } from '@mediakiln/contracts';
import type { Sharp } from 'sharp';
import type { ImageGoal, ImageOperation } from '../operation';
import { ChoiceParam, ColorParam, FlagParam, IntegerParam } from '../param';
import { encode } from './encode';
import { type Rendering, applyRendering, assertFitsFormat, openedFor, planRendering } from './rendering';
import { resultOf } from './result';

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

  @IntegerParam({
    description:
      'Bytes that the file may have at most: `quality` is then the best that is tried, and as much lower as it takes. ' +
      'Fails with `size_unreachable` when the lowest does not do',
    minimum: 100,
    maximum: 1_000_000_000,
    optional: true,
    example: 200_000,
  })
  max_bytes?: number;

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
  open: (params, probe) => openedFor(plan(params, probe), probe),
  draw,
  encode: write,
  result: (params, probe) => resultOf(plan(params, probe), probe, { size: probe, keepsLook: true }),
  goal,
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

function draw(pipeline: Sharp, params: ImageCompressParams, probe: ImageProbe): Sharp {
  const rendering = plan(params, probe);
  if (probe.orientation !== 1 && !keepsTag(rendering)) pipeline.autoOrient();
  return applyRendering(pipeline, rendering, params.background, probe);
}

function write(pipeline: Sharp, params: ImageCompressParams, probe: ImageProbe): Sharp {
  const rendering = plan(params, probe);
  if (params.keep_metadata) pipeline.keepExif().keepXmp();
  else if (probe.orientation !== 1 && keepsTag(rendering))
    pipeline.withExif({ IFD0: { Orientation: String(probe.orientation) } });
  return encode(pipeline, rendering.format, params);
}

/** A JPEG keeps its orientation, which costs nothing; turning the pixels of a 12-megapixel photo takes about 100 ms. */
const keepsTag = ({ format, isAnimated }: Plan): boolean => format === 'jpeg' || isAnimated;

function goal(params: ImageCompressParams, probe: ImageProbe): ImageGoal<ImageCompressParams> {
  const { quality, max_bytes, first_frame } = params;
  return {
    // The whole animation is no answer to a request for its first frame.
    keep_smaller: params.keep_smaller && !(first_frame && probe.frames > 1),
    strip_metadata: !params.keep_metadata,
    fit:
      max_bytes === undefined
        ? undefined
        : { max_bytes, quality, at: (lower) => ({ ...params, quality: lower }) },
  };
}
