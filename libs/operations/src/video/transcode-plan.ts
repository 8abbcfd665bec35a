import type { VideoProbe, VideoStreamProbe } from '@mediakiln/contracts';
import { type EngineFacts, type FrameSpan, MP4_OUTPUT, type VideoPlan } from '../video-plan';
import { encodedPicture, encodedSize } from './picture';
import { startingAt } from './seek';
import { isToneMapped } from './shown';
import { encodedSound, soundEnd } from './sound';
import { micro } from './timeline';
import { wholeTiming } from './timing';

interface TranscodeOrder {
  probe: VideoProbe;
  video: VideoStreamProbe;
  params: {
    format: 'mp4' | 'webm';
    crf?: number;
    effort: 'low' | 'medium' | 'high';
    width?: number;
    height?: number;
    enlarge: boolean;
    frames_per_second?: number;
    audio: boolean;
  };
  span: FrameSpan | null;
}

interface Format {
  encoders: string[];
  crf: number;
  sound: 'aac' | 'opus';
  output: { variant: string; mime_type: string; extension: string; container: string };
  picture(crf: number, effort: TranscodeOrder['params']['effort']): string[];
  muxer: string[];
}

const FORMATS: Record<'mp4' | 'webm', Format> = {
  mp4: {
    encoders: ['libx264', 'aac'],
    crf: 23,
    sound: 'aac',
    output: MP4_OUTPUT,
    picture: (crf, effort) => [
      ...['-c:v', 'libx264', '-preset', { low: 'veryfast', medium: 'fast', high: 'slow' }[effort]],
      ...['-crf', String(crf), ...(crf === 0 ? [] : ['-profile:v', 'high'])],
    ],
    muxer: ['-movflags', '+faststart', '-f', 'mp4'],
  },
  webm: {
    encoders: ['libvpx-vp9', 'libopus'],
    crf: 33,
    sound: 'opus',
    output: { variant: 'output', mime_type: 'video/webm', extension: 'webm', container: 'matroska' },
    // Without `-b:v 0` the rate factor would only be a limit.
    picture: (crf, effort) => [
      ...['-c:v', 'libvpx-vp9', '-crf', String(crf), '-b:v', '0', '-deadline', 'good'],
      ...['-cpu-used', { low: '5', medium: '4', high: '2' }[effort], '-row-mt', '1', '-tile-columns', '2'],
    ],
    muxer: ['-f', 'webm'],
  },
};

/** One encode of the whole video: upright, square pixels, even sides, 8 bits, each frame at its time. */
export function planTranscode(order: TranscodeOrder, engine: EngineFacts): VideoPlan {
  const { probe, video, params, span } = order;
  const format = FORMATS[params.format];
  const audio = params.audio ? probe.audio : null;
  const size = encodedSize(video, params);
  const timing = wholeTiming(order, span, params.frames_per_second?.toString());
  const picture = encodedPicture(video, size, engine);
  const duration = micro(Math.max(timing.end_seconds, audio ? soundEnd(probe, audio) : 0));
  const file = `output.${format.output.extension}`;
  const crf = params.crf ?? format.crf;
  return {
    runs: [
      {
        stage: 'encoding',
        inputs: [{ index: 0, options: startingAt(probe, null) }],
        output_options: [
          ...['-map', `0:${video.index}`, ...(audio ? ['-map', `0:${audio.index}`] : [])],
          ...['-filter:v', [...timing.filters, ...picture.filters].join(',')],
          ...[...format.picture(crf, params.effort), ...picture.options, ...timing.options],
          ...(audio ? encodedSound(probe, audio, { codec: format.sound }) : []),
          ...format.muxer,
        ],
        frame_timing: timing.frame_timing,
        output: file,
        output_seconds: duration,
        encoders: format.encoders,
      },
    ],
    outputs: [
      {
        ...format.output,
        file,
        verify: {
          ...(timing.frames === undefined ? {} : { frames: timing.frames }),
          duration_seconds: duration,
          tolerance_seconds: timing.tolerance_seconds,
          size,
        },
      },
    ],
    report: {
      format: params.format,
      crf,
      ...size,
      frames_per_second: params.frames_per_second ?? null,
      audio: audio !== null,
      tone_mapped: isToneMapped(video, engine),
      dropped_streams: probe.dropped_streams,
    },
  };
}
