import type { VideoProbe, VideoStreamProbe } from '@mediakiln/contracts';
import type { EngineRun, FrameSpan } from '../video-plan';
import { colorTags } from './color';
import { PROFILES } from './cut-stretch';
import { rateOf } from './ffprobe-json';
import { startingAt, tickTime } from './seek';
import { tickSeconds } from './timeline';
import { onlyFrames } from './trim-plan';

/** The frames of a cut that are encoded, before or after its copied stretch. */
export interface Edge {
  output: string;
  frames: number;
  first_tick: number;
  last_tick: number;
  end_tick: number;
  keyframe_tick: number | null;
}

/**
 * Encoders number their parameter sets from 0: with the highest number of all, ours live beside the source's, and each
 * frame finds its own whichever a player has read last.
 */
const OUR_PARAMETER_SETS = 31;

/** One group of pictures of our own that looks, turns and reorders like the source's. */
export function encodedEdge(
  probe: VideoProbe,
  video: VideoStreamProbe,
  span: FrameSpan,
  edge: Edge,
): EngineRun {
  const tick = tickSeconds(video);
  return {
    stage: 'encoding',
    inputs: [
      {
        index: 0,
        options: [
          ...startingAt(probe, tickTime(edge.keyframe_tick, tick)),
          // The display matrix turns copied and encoded frames alike.
          ...(video.rotation_degrees === 0 ? [] : ['-noautorotate']),
        ],
      },
    ],
    output_options: [
      ...['-map', `0:${video.index}`],
      ...[
        '-filter:v',
        [...onlyFrames(edge.first_tick, edge.last_tick), `format=${video.pixel_format}`].join(','),
      ],
      // ffmpeg would decode on until the last frame has come out of the encoder.
      ...['-frames:v', String(edge.frames)],
      // A few seconds at most: bytes matter less than the time that whoever cuts has to wait.
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '20'],
      ...['-profile:v', PROFILES[video.profile ?? ''] ?? 'high', ...colorTags(video)],
      ...['-x264-params', encoderParameters(video)],
      ...(isOnOurClock(video, span) ? [] : ['-enc_time_base', '-1']),
      ...['-video_track_timescale', timescaleOf(video), '-f', 'mp4'],
    ],
    frame_timing: 'passthrough',
    output: edge.output,
    output_seconds: (edge.end_tick - edge.first_tick) * tick,
  };
}

/** Of a time base of `1/n`. */
export const timescaleOf = ({ time_base }: VideoStreamProbe): string => time_base.split('/')[1] ?? '1000';

/**
 * What of the slower presets is worth its time: 39 grainy frames of 1080p take 1.0 s of processor time for an SSIM of
 * .9923; `superfast` takes 1.7 s for .9925. Coding by CABAC would make them 13 % smaller and take 0.4 s more.
 */
const WORTH_IT = ['8x8dct=1', 'weightp=1', 'aq-mode=1', 'deblock=0,0'];

function encoderParameters({ has_b_frames, profile }: VideoStreamProbe): string {
  const depth = PROFILES[profile ?? ''] === 'baseline' ? 0 : has_b_frames;
  const reordering =
    depth === 0
      ? ['bframes=0']
      : depth === 1
        ? ['bframes=3', 'b-pyramid=none']
        : ['bframes=3', 'b-pyramid=normal', 'b-adapt=0'];
  return [
    ...[`sps-id=${OUR_PARAMETER_SETS}`, 'repeat-headers=1', 'open-gop=0', 'scenecut=0', 'keyint=infinite'],
    ...WORTH_IT,
    ...reordering,
  ].join(':');
}

/** Frames whose times are whole ticks of the frame rate: the encoder's own clock meets them. */
function isOnOurClock(video: VideoStreamProbe, span: FrameSpan): boolean {
  const ticks = 1 / ((rateOf(video.base_frame_rate) ?? Number.NaN) * tickSeconds(video));
  return span.is_constant_rate && Math.abs(ticks - Math.round(ticks)) < 1e-9 * ticks;
}
