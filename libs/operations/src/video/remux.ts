import { AppError, type VideoProbe } from '@mediakiln/contracts';
import type { VideoOperation } from '../operation';
import { ChoiceParam } from '../param';
import { type FrameSpan, MP4_OUTPUT, type VideoPlan } from '../video-plan';
import { wallLimitSeconds } from './limits';
import { micro, pictured } from './timeline';
import { soundEnd } from './sound';
import { wholePicture, wholeTiming } from './timing';

const FORMATS = ['mp4', 'mkv', 'webm'] as const;
type Format = (typeof FORMATS)[number];

/** What each holds so that players of it play it; Matroska holds all that we take. */
const HOLDS: Record<Format, { video: readonly string[] | null; audio: readonly string[] | null }> = {
  mp4: { video: ['h264', 'hevc', 'vp9', 'av1', 'mpeg4'], audio: ['aac', 'mp3', 'ac3', 'eac3'] },
  mkv: { video: null, audio: null },
  webm: { video: ['vp8', 'vp9', 'av1'], audio: ['opus', 'vorbis'] },
};
const OUTPUTS = {
  mp4: MP4_OUTPUT,
  mkv: { variant: 'output', mime_type: 'video/x-matroska', extension: 'mkv', container: 'matroska' },
  webm: { variant: 'output', mime_type: 'video/webm', extension: 'webm', container: 'matroska' },
} as const;
const MUXERS: Record<Format, string[]> = {
  mp4: ['-movflags', '+faststart', '-f', 'mp4'],
  mkv: ['-f', 'matroska'],
  webm: ['-f', 'webm'],
};
const CURE = 'use video.transcode, which encodes it anew';

export class VideoRemuxParams {
  @ChoiceParam({
    description:
      '`mp4`: with its index in front, so that it starts to play while it loads; `mkv`; `webm`: where the codecs are those of the web',
    values: FORMATS,
    default: 'mp4',
  })
  format: Format = 'mp4';
}

/** The same picture and sound, bit for bit, in another container. */
export const videoRemux: VideoOperation<VideoRemuxParams> = {
  name: 'video.remux',
  engine: 'video',
  role: 'transform',
  lane: 'quick',
  summary: 'Puts picture and sound into another container without encoding them anew',
  version: 1,
  params: VideoRemuxParams,
  example: { format: 'mp4' },
  accepts: ['video'],
  minInputs: 1,
  maxInputs: 1,
  encoders: [],
  timeoutSeconds: ([probe]) => wallLimitSeconds((probe as VideoProbe | undefined)?.duration_seconds ?? 0),
  check: (probes, { format }) => refuseUnfit(pictured(probes).probe, format),
  span: (probes) => wholePicture(pictured(probes)),
  plan: (probes, { format }, span) => planRemux(pictured(probes).probe, format, span),
};

/** @throws AppError unsupported_codec, unsupported_input, each with the cure. */
function refuseUnfit(probe: VideoProbe, format: Format): void {
  const { audio } = probe;
  const video = probe.video!;
  const holds = HOLDS[format];
  for (const [kind, codec] of [
    ['video', video.codec],
    ['audio', audio?.codec],
  ] as const) {
    const taken = holds[kind];
    if (codec !== undefined && taken !== null && !taken.includes(codec))
      throw new AppError(
        'unsupported_codec',
        `The ${kind} codec ${codec} does not go into ${format}, which takes ${taken.join(', ')}: ${CURE}`,
      );
  }
  const refuse = (what: string): AppError => new AppError('unsupported_input', `${what}: ${CURE}`);
  if (format !== 'mp4' && video.rotation_degrees !== 0)
    throw refuse(
      `Players do not turn the picture of ${format}, and this one is turned by ${video.rotation_degrees} degrees`,
    );
  if (probe.container === 'avi' && video.has_b_frames > 0)
    throw refuse('AVI does not say when the frames of this video are shown');
}

function planRemux(probe: VideoProbe, format: Format, span: FrameSpan | null): VideoPlan {
  const { audio } = probe;
  const video = probe.video!;
  const timing = wholeTiming({ probe, video }, span);
  const duration = micro(Math.max(timing.end_seconds, audio ? soundEnd(probe, audio) : 0));
  const file = `output.${OUTPUTS[format].extension}`;
  return {
    runs: [
      {
        stage: 'copying',
        inputs: [{ index: 0, options: ['-fflags', '+genpts'] }],
        output_options: [
          ...['-map', `0:${video.index}`, ...(audio ? ['-map', `0:${audio.index}`] : []), '-c', 'copy'],
          // The tag that Apple's players want.
          ...(video.codec === 'hevc' && format === 'mp4' ? ['-tag:v', 'hvc1'] : []),
          ...MUXERS[format],
        ],
        frame_timing: 'passthrough',
        output: file,
        output_seconds: duration,
      },
    ],
    outputs: [
      {
        ...OUTPUTS[format],
        file,
        verify: {
          ...(timing.frames === undefined ? {} : { frames: timing.frames }),
          duration_seconds: duration,
          tolerance_seconds: timing.tolerance_seconds,
          ...(probe.width !== null && probe.height !== null
            ? { size: { width: probe.width, height: probe.height } }
            : {}),
        },
      },
    ],
    report: { format, mode: 'copy', dropped_streams: probe.dropped_streams },
  };
}
