import { AppError, type FieldError, type Probe } from '@mediakiln/contracts';
import type { VideoOperation } from '../operation';
import { ColorParam, IntegerParam, NumberParam } from '../param';
import { MAX_VIDEO_PIXELS, wallLimitSeconds } from './limits';
import { planMerge } from './merge-plan';
import { MAX_MERGED_RATE } from './merge-rate';
import type { MergeInput } from './merge-signature';
import { mergedSize } from './merge-target';

const MAX_INPUTS = 100;
const MIN_SIDE = 16;
const MAX_SIDE = 3840;

export class VideoMergeParams {
  @IntegerParam({
    description:
      'Width of the video; an odd one becomes the next even one, which H.264 needs. With one of width and height the ' +
      'other follows from the largest input. Default: the size of the largest input',
    minimum: MIN_SIDE,
    maximum: MAX_SIDE,
    optional: true,
    example: 640,
  })
  width?: number;

  @IntegerParam({
    description: 'Height of the video, as `width`',
    minimum: MIN_SIDE,
    maximum: MAX_SIDE,
    optional: true,
    example: 360,
  })
  height?: number;

  @NumberParam({
    description:
      'Frames per second of the video; 23.976, 29.97 and 59.94 mean 24000/1001 and so on. Default: those of the inputs ' +
      'that are copied, or else the most that an input has',
    minimum: 1,
    maximum: MAX_MERGED_RATE,
    optional: true,
    example: 30,
  })
  frames_per_second?: number;

  @ColorParam({
    description: 'Colour of the bars around an input of another shape; nothing is stretched',
    default: '#000000',
  })
  background: string = '#000000';
}

/** Several videos as one, in the order of the inputs. */
export const videoMerge: VideoOperation<VideoMergeParams> = {
  name: 'video.merge',
  engine: 'video',
  role: 'transform',
  lane: 'heavy',
  summary:
    'Puts videos of any kind one behind the other; what goes together is copied, and only the rest re-encoded',
  version: 1,
  params: VideoMergeParams,
  example: { background: '#000000' },
  accepts: ['video'],
  minInputs: 2,
  maxInputs: MAX_INPUTS,
  encoders: ['libx264', 'aac'],
  timeoutSeconds: (probes) =>
    wallLimitSeconds(
      probes.reduce((sum, probe) => sum + (probe.kind === 'image' ? 0 : probe.duration_seconds), 0),
    ),
  rules,
  check: (probes, params) => {
    const { width, height } = mergedSize(inputsOf(probes), params);
    if (width * height > MAX_VIDEO_PIXELS)
      throw new AppError(
        'output_too_large',
        `The video would be ${width}x${height}, ${width * height} pixels; at most ${MAX_VIDEO_PIXELS} are made`,
      );
  },
  plan: (probes, params, _span, engine) => planMerge(inputsOf(probes), params, engine),
};

function rules({ width, height }: VideoMergeParams): FieldError[] {
  const pixels = (width ?? 0) * (height ?? 0);
  if (pixels <= MAX_VIDEO_PIXELS) return [];
  const detail = `width x height (${width} x ${height} = ${pixels}) must be at most ${MAX_VIDEO_PIXELS} pixels`;
  return [{ pointer: '/params/width', code: 'too_many_pixels', detail }];
}

/** @throws AppError no_video_stream, naming the input by its place */
function inputsOf(probes: readonly Probe[]): MergeInput[] {
  return probes.map((probe, index) => {
    if (probe.kind === 'image' || !probe.video)
      throw new AppError('no_video_stream', `Input ${index + 1} has no video stream`);
    return { probe, video: probe.video };
  });
}
