import { AppError, type Probe } from '@mediakiln/contracts';
import type { VideoOperation } from '../operation';
import { ColorParam, NumberParam } from '../param';
import { wallLimitSeconds } from './limits';
import { planMerge } from './merge-plan';
import { MAX_MERGED_RATE } from './merge-rate';
import type { MergeInput } from './merge-signature';
import { mergedSize } from './merge-target';
import { HeightParam, WidthParam, assertVideoPixels, sizeRules } from './size-params';

const MAX_INPUTS = 100;

export class VideoMergeParams {
  @WidthParam(
    'Width of the video; an odd one becomes the next even one, which H.264 needs. With one of width and height the ' +
      'other follows from the largest input. Default: the size of the largest input',
  )
  width?: number;

  @HeightParam('Height of the video, as `width`')
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
  rules: sizeRules,
  check: (probes, params) => assertVideoPixels(mergedSize(inputsOf(probes), params)),
  plan: (probes, params, _span, engine) => planMerge(inputsOf(probes), params, engine),
};

/** @throws AppError no_video_stream, naming the input by its place */
function inputsOf(probes: readonly Probe[]): MergeInput[] {
  return probes.map((probe, index) => {
    if (probe.kind === 'image' || !probe.video)
      throw new AppError('no_video_stream', `Input ${index + 1} has no video stream`);
    return { probe, video: probe.video };
  });
}
