import type { AudioStreamProbe, VideoProbe, VideoStreamProbe } from '@mediakiln/contracts';
import { type FrameSpan, MP4_OUTPUT, type VideoPlan } from '../video-plan';
import { colorPath } from './color';
import type { Cut } from './cut';
import { rateOf } from './ffprobe-json';
import { startingAt, tickTime } from './seek';
import { micro, tickSeconds, zeroOf } from './timeline';

interface CutOrder {
  probe: VideoProbe;
  video: VideoStreamProbe;
  cut: Cut;
  span: FrameSpan;
  asked: { start: number; end: number };
}

const AAC_BITS_PER_CHANNEL = 96_000;
const MAX_AAC_CHANNELS = 6;
const TOLERANCE_SECONDS = 0.1;
const OUTPUT = 'output.mp4';

/**
 * One encode of exactly the frames of `span`. The filters name them by their own ticks (`-copyts` keeps those), so that
 * no rounding of seconds can add or lose a frame; sound starts with the first of them.
 */
export function planCut(order: CutOrder): VideoPlan {
  const { probe, video, cut, span } = order;
  const tick = tickSeconds(video);
  const zero = zeroOf(probe);
  const frameSeconds = 1 / (rateOf(video.average_frame_rate) ?? rateOf(video.base_frame_rate) ?? 25);
  const start = span.first_tick * tick - zero;
  // In a VFR video the last frame may stand for long: it is not shown beyond the end that was asked for.
  const lastFrameEnd = Math.min(
    span.end_tick * tick - zero,
    Math.max(cut.end, span.last_tick * tick - zero + frameSeconds),
  );
  const audio = audible(probe, start);
  const end = Math.max(lastFrameEnd, audio ? Math.min(cut.end, audioEnd(probe, audio)) : 0);
  const color = colorPath(video);
  return {
    runs: [
      {
        stage: 'encoding',
        inputs: [{ index: 0, options: startingAt(probe, tickTime(span.keyframe_tick, tick)) }],
        output_options: [
          ...['-map', `0:${video.index}`, ...(audio ? ['-map', `0:${audio.index}`] : [])],
          ...['-filter:v', [...framesOf(span), ...evenSize(video), ...color.filters].join(',')],
          ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '18', '-profile:v', 'high', ...color.options],
          ...encoderClock(span),
          ...(audio ? sound(audio, start + zero, cut.end + zero) : []),
          ...['-movflags', '+faststart', '-f', 'mp4'],
        ],
        frame_timing: 'passthrough',
        output: OUTPUT,
        output_seconds: end - start,
      },
    ],
    outputs: [
      {
        ...MP4_OUTPUT,
        file: OUTPUT,
        verify: {
          frames: span.frames,
          duration_seconds: micro(end - start),
          tolerance_seconds:
            TOLERANCE_SECONDS + 2 * Math.max(frameSeconds, (span.end_tick - span.last_tick) * tick),
        },
      },
    ],
    report: {
      mode: 'encode',
      share_reencoded: 1,
      asked: order.asked,
      actual: { start: micro(start), end: micro(end), duration: micro(end - start) },
      clamped: cut.clamped,
      frames: span.frames,
      dropped_streams: [
        ...probe.dropped_streams,
        ...(probe.audio && !audio
          ? [
              {
                index: probe.audio.index,
                type: 'audio',
                codec: probe.audio.codec,
                reason: 'silent in this cut',
              },
            ]
          : []),
      ],
    },
  };
}

const framesOf = (span: FrameSpan): string[] => [
  `trim=start_pts=${span.first_tick}:end_pts=${span.last_tick + 1}`,
  'setpts=PTS-STARTPTS',
];

/** 4:2:0 needs even sides: one line or column is added that repeats its neighbour, so nothing is stretched or lost. */
function evenSize(video: VideoStreamProbe): string[] {
  const isTurned = video.rotation_degrees % 180 !== 0;
  const width = isTurned ? video.coded_height : video.coded_width;
  const height = isTurned ? video.coded_width : video.coded_height;
  if (width % 2 === 0 && height % 2 === 0) return [];
  return ['pad=ceil(iw/2)*2:ceil(ih/2)*2', `fillborders=right=${width % 2}:bottom=${height % 2}:mode=smear`];
}

/**
 * Off the grid of the frame rate, frames keep their own times only in the stream's own time base. And without B-frames:
 * the MP4 muxer sums up decoding times, and its edit list then hides the last frame when frames get longer.
 */
const encoderClock = (span: FrameSpan): string[] =>
  span.is_constant_rate ? [] : ['-enc_time_base', '-1', '-bf', '0'];

/** The audio stream, unless it is known to end before the cut starts: an empty track confuses players. */
function audible(probe: VideoProbe, start: number): AudioStreamProbe | null {
  return probe.audio && audioEnd(probe, probe.audio) > start ? probe.audio : null;
}

const audioEnd = (probe: VideoProbe, audio: AudioStreamProbe): number =>
  audio.duration_seconds === null
    ? probe.duration_seconds
    : audio.start_seconds + audio.duration_seconds - zeroOf(probe);

/** `aresample` fills holes and a late start with silence, since AAC in MP4 has no other way to keep them. */
function sound(audio: AudioStreamProbe, from: number, to: number): string[] {
  const channels = Math.min(audio.channels || 2, MAX_AAC_CHANNELS);
  const isFolded = channels > 2 && (audio.channels !== channels || audio.channel_layout === null);
  const filters = [
    `atrim=start=${from.toFixed(6)}:end=${to.toFixed(6)}`,
    `asetpts=PTS-(${from.toFixed(6)})/TB`,
    'aresample=async=1:first_pts=0',
  ];
  return [
    ...['-filter:a', filters.join(','), '-c:a', 'aac', ...(isFolded ? ['-ac', '2'] : [])],
    ...['-b:a', String((isFolded ? 2 : channels) * AAC_BITS_PER_CHANNEL)],
  ];
}
