import { type FrameSpan, MP4_OUTPUT, type VideoPlan } from '../video-plan';
import { colorPath } from './color';
import { type CutOrder, cutCheck, cutReport, cutTimes } from './cut-times';
import { padding } from './even-sides';
import { startingAt, tickTime } from './seek';
import { uprightSize } from './shown';
import { encodedSound } from './sound';
import { tickSeconds } from './timeline';

export const CUT_OUTPUT = 'output.mp4';

/**
 * One encode of exactly the frames of `span`. The filters name them by their own ticks (`-copyts` keeps those), so that
 * no rounding of seconds can add or lose a frame; sound starts with the first of them.
 * @param reason why nothing is copied
 */
export function planEncodedCut(order: CutOrder, reason: string): VideoPlan {
  const { probe, video, cut, span } = order;
  const times = cutTimes(order);
  const { start, end, audio } = times;
  const color = colorPath(video);
  return {
    runs: [
      {
        stage: 'encoding',
        inputs: [{ index: 0, options: startingAt(probe, tickTime(span.keyframe_tick, tickSeconds(video))) }],
        output_options: [
          ...['-map', `0:${video.index}`, ...(audio ? ['-map', `0:${audio.index}`] : [])],
          ...[
            '-filter:v',
            [
              ...onlyFrames(span.first_tick, span.last_tick),
              ...padding(uprightSize(video)),
              ...color.filters,
            ].join(','),
          ],
          ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '18', '-profile:v', 'high', ...color.options],
          ...encoderClock(span),
          ...(audio ? encodedSound(probe, audio, { codec: 'aac', stretch: { start, end: cut.end } }) : []),
          ...['-movflags', '+faststart', '-f', 'mp4'],
        ],
        frame_timing: 'passthrough',
        output: CUT_OUTPUT,
        output_seconds: end - start,
      },
    ],
    outputs: [{ ...MP4_OUTPUT, file: CUT_OUTPUT, verify: cutCheck(order, times) }],
    report: cutReport(order, times, { mode: 'encode', share_reencoded: 1, fallback_reason: reason }),
  };
}

/** Filters that let through the frames from one tick to another, both inclusive, and have them start at 0. */
export const onlyFrames = (first: number, last: number): string[] => [
  `trim=start_pts=${first}:end_pts=${last + 1}`,
  'setpts=PTS-STARTPTS',
];

/**
 * Off the grid of the frame rate, frames keep their own times only in the stream's own time base. And without B-frames:
 * the MP4 muxer sums up decoding times, and its edit list then hides the last frame when frames get longer.
 */
const encoderClock = (span: FrameSpan): string[] =>
  span.is_constant_rate ? [] : ['-enc_time_base', '-1', '-bf', '0'];
