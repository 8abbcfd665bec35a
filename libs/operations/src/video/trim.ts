import type { Probe, VideoProbe } from '@mediakiln/contracts';
import type { VideoOperation } from '../operation';
import { ChoiceParam, TimeParam } from '../param';
import { invalidCut, resolveCut } from './cut';
import { chooseStretch, uncopyable } from './cut-stretch';
import { wallLimitSeconds } from './limits';
import { planCopiedCut } from './smart-plan';
import { pictured, ticksBetween } from './timeline';
import { planEncodedCut } from './trim-plan';

export class VideoTrimParams {
  @TimeParam({ description: 'Where the cut starts: seconds or HH:MM:SS.mmm', example: 0.5 })
  start_time: number;

  @TimeParam({ description: 'Where the cut ends (the frame at this time is not in it)', example: 1.5 })
  end_time: number;

  @ChoiceParam({
    description: 'What happens when `end_time` lies beyond the end: cut there (the report says so) or refuse',
    values: ['clamp', 'reject'],
    default: 'clamp',
  })
  on_overrun: 'clamp' | 'reject' = 'clamp';
}

/** Cuts a stretch out of a video, exact to the frame: by copying what can be copied, and encoding the rest. */
export const videoTrim: VideoOperation<VideoTrimParams> = {
  name: 'video.trim',
  engine: 'video',
  role: 'transform',
  lane: 'heavy',
  summary: 'Cuts a stretch out of a video, exact to the frame',
  version: 2,
  params: VideoTrimParams,
  example: { start_time: 0.5, end_time: 1.5 },
  accepts: ['video'],
  minInputs: 1,
  maxInputs: 1,
  encoders: ['libx264', 'aac'],
  timeoutSeconds: (probes) => wallLimitSeconds(asVideo(probes)?.duration_seconds ?? 0),
  check: (probes, params) => {
    resolveCut(pictured(probes).probe, params);
  },
  span: (probes, params) => {
    const { probe, video } = pictured(probes);
    const cut = resolveCut(probe, params);
    const range = ticksBetween(probe, video, cut.start, cut.end);
    return uncopyable(probe, video) === null ? { ...range, wants_packets: true } : range;
  },
  plan: (probes, params, span) => {
    const { probe, video } = pictured(probes);
    const cut = resolveCut(probe, params);
    if (span === null || span.frames === 0)
      throw invalidCut(`There is no frame between ${cut.start} s and ${cut.end} s`);
    const asked = { start: params.start_time, end: params.end_time };
    const order = { probe, video, cut, span, asked };
    const choice = chooseStretch(probe, video, span);
    return 'stretch' in choice ? planCopiedCut(order, choice.stretch) : planEncodedCut(order, choice.reason);
  },
};

const asVideo = ([probe]: readonly Probe[]): VideoProbe | undefined =>
  probe === undefined || probe.kind === 'image' ? undefined : probe;
