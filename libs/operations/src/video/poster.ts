import { AppError, type VideoProbe } from '@mediakiln/contracts';
import type { VideoOperation } from '../operation';
import { ChoiceParam, IntegerParam, TimeParam } from '../param';
import { MIN_TIMEOUT_SECONDS } from './limits';
import { MAX_SIDE, planPoster } from './poster-plan';
import { isIndexed } from './seek';
import { pictured, ticksUpTo } from './timeline';

const FORMAT_CHOICES = ['jpeg', 'png', 'webp'] as const;
const DEFAULT_QUALITY = 85;
const MIN_SIDE = 16;
/** How far back the frame may be that is still shown: reading so many bits of packets takes no time to speak of. */
const LOOK_BACK_BITS = 500e6;
const LOOK_BACK_SECONDS = { least: 10, most: 120 };

export class VideoPosterParams {
  @TimeParam({
    description:
      'Which moment: seconds or HH:MM:SS.mmm; the frame that is shown then. Default: the first that is not black from ' +
      'a tenth of the video on (at most 30 s), within two seconds',
    optional: true,
    example: 0.5,
  })
  time?: number;

  @IntegerParam({
    description: 'Largest width; the shape is kept, and nothing is enlarged',
    minimum: MIN_SIDE,
    maximum: MAX_SIDE,
    optional: true,
    example: 320,
  })
  width?: number;

  @IntegerParam({
    description: 'Largest height; the shape is kept, and nothing is enlarged',
    minimum: MIN_SIDE,
    maximum: MAX_SIDE,
    optional: true,
    example: 320,
  })
  height?: number;

  @ChoiceParam({ description: 'Format of the picture', values: FORMAT_CHOICES, default: 'jpeg' })
  format: (typeof FORMAT_CHOICES)[number] = 'jpeg';

  @IntegerParam({
    description: `1 is the smallest file, 100 the best picture; of JPEG and WebP, where it is ${DEFAULT_QUALITY} by default`,
    minimum: 1,
    maximum: 100,
    optional: true,
    example: DEFAULT_QUALITY,
  })
  quality?: number;
}

/** One frame of a video as a picture. */
export const videoPoster: VideoOperation<VideoPosterParams> = {
  name: 'video.poster',
  engine: 'video',
  role: 'transform',
  lane: 'quick',
  summary: 'Makes a picture of one moment of a video, upright and in the shape that players show',
  version: 1,
  params: VideoPosterParams,
  example: { width: 320 },
  accepts: ['video'],
  minInputs: 1,
  maxInputs: 1,
  makes: { output: 'image' },
  encoders: ['mjpeg'],
  timeoutSeconds: () => MIN_TIMEOUT_SECONDS,
  rules: ({ format, quality }) =>
    format === 'png' && quality !== undefined
      ? [{ pointer: '/params/quality', code: 'not_for_format', detail: 'quality does not go with png' }]
      : [],
  check: (probes, { time }) => {
    const { probe } = pictured(probes);
    if (time === undefined || time <= probe.duration_seconds) return;
    const detail = `time (${time} s) is beyond the end of the video, which lasts ${probe.duration_seconds} s`;
    throw new AppError('validation_failed', detail, {
      errors: [{ pointer: '/params/time', code: 'beyond_the_end', detail }],
    });
  },
  span: (probes, { time }) => {
    const { probe, video } = pictured(probes);
    return time === undefined ? null : ticksUpTo(probe, video, time, lookBackSeconds(probe));
  },
  plan: (probes, params, span, engine) =>
    planPoster(
      {
        ...pictured(probes),
        ...params,
        time: params.time ?? null,
        quality: params.quality ?? DEFAULT_QUALITY,
        span,
      },
      engine,
    ),
};

/** In slide shows and screen recordings a picture stands for long, and few bits are spent on it. */
function lookBackSeconds(probe: VideoProbe): number {
  const { least, most } = LOOK_BACK_SECONDS;
  if (!isIndexed(probe) || probe.bit_rate === null) return least;
  return Math.min(most, Math.max(least, LOOK_BACK_BITS / probe.bit_rate));
}
