import { AppError, type ImageProbe, type Probe } from '@mediakiln/contracts';
import type { VideoOperation } from '../operation';
import { ChoiceParam, ColorParam, FlagParam, IntegerParam, NumberParam } from '../param';
import { wallLimitSeconds } from './limits';
import { HeightParam, WidthParam, assertVideoPixels, sizeRules } from './size-params';
import { frameOf } from './still-frame';
import { planStill } from './still-plan';

const FITS = ['pad', 'crop', 'blur'] as const;
const MAX_DURATION_SECONDS = 600;
const MAX_FRAMES_PER_SECOND = 60;

export class VideoFromImageParams {
  @NumberParam({
    description: 'How long the video lasts; rounded to whole frames',
    minimum: 1,
    maximum: MAX_DURATION_SECONDS,
    default: 10,
  })
  duration_seconds: number = 10;

  @IntegerParam({
    description: 'Frames per second of the video',
    minimum: 1,
    maximum: MAX_FRAMES_PER_SECOND,
    default: 30,
  })
  frames_per_second: number = 30;

  @WidthParam(
    'Width of the video; an odd one becomes the next even one, which H.264 needs. With one of width and height the ' +
      'other follows from the picture. Default: the picture’s own size, made smaller to 1920 on its longer side',
  )
  width?: number;

  @HeightParam('Height of the video, as `width`')
  height?: number;

  @ChoiceParam({
    description:
      'Where width and height have another shape than the picture. `pad`: the whole picture with bars; `crop`: the ' +
      'frame is full, and what does not fit is cut; `blur`: the whole picture over its own blurred enlargement',
    values: FITS,
    default: 'pad',
  })
  fit: (typeof FITS)[number] = 'pad';

  @ColorParam({
    description: 'Colour of the bars, and behind transparent parts',
    default: '#000000',
  })
  background: string = '#000000';

  @FlagParam({
    description:
      'Show the first frame of an animated GIF alone. Else it plays, over and over until the video is full',
    default: false,
  })
  first_frame: boolean = false;
}

/** A picture as a video that stands still, or an animated GIF as a video that moves. */
export const videoFromImage: VideoOperation<VideoFromImageParams> = {
  name: 'video.from_image',
  engine: 'video',
  role: 'transform',
  lane: 'heavy',
  summary: 'Makes an MP4 of a picture that plays everywhere; an animated GIF keeps its motion',
  version: 1,
  params: VideoFromImageParams,
  example: { duration_seconds: 2, width: 640, height: 360, fit: 'blur' },
  accepts: ['image'],
  minInputs: 1,
  maxInputs: 1,
  encoders: ['libx264'],
  timeoutSeconds: (_probes, { duration_seconds }) => wallLimitSeconds(duration_seconds),
  rules: sizeRules,
  check: (probes, params) => {
    const probe = still(probes);
    refuseUnreadable(probe);
    assertVideoPixels(frameOf(probe, params));
  },
  plan: (probes, params) => planStill(still(probes), params),
};

/** What the releases of ffmpeg that people have installed cannot read, although image operations can. */
function refuseUnreadable(probe: ImageProbe): void {
  const cure = (what: string, target: string): AppError =>
    new AppError('unsupported_input', `${what} cannot be made into a video: make it a ${target} first`);
  if (probe.format === 'avif') throw cure('An AVIF picture', 'PNG with image.convert');
  if (probe.format === 'webp' && probe.frames > 1)
    throw cure(`An animated WebP`, 'GIF with image.convert, or a PNG of its first frame');
}

/** @throws AppError unsupported_input */
function still([probe]: readonly Probe[]): ImageProbe {
  if (probe?.kind !== 'image') throw new AppError('unsupported_input', 'video.from_image takes an image');
  return probe;
}
