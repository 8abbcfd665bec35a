import type { VideoProbe, VideoStreamProbe } from '@mediakiln/contracts';
import type { EngineFacts, EngineRun, FrameSpan, PictureCheck, VideoPlan } from '../video-plan';
import { FORMATS } from '../image/formats';
import { type Size, fittedSize } from '../image/geometry';
import { startingAt, tickTime } from './seek';
import { SCALING, isToneMapped, shownSize, sourceColors, toneMapping } from './shown';
import { micro, tickSeconds, zeroOf } from './timeline';

export interface PosterOrder {
  probe: VideoProbe;
  video: VideoStreamProbe;
  /** Null: the operation chooses. */
  time: number | null;
  /** Frames up to the one at `time`; null when the operation chooses. */
  span: FrameSpan | null;
  width?: number;
  height?: number;
  format: PictureCheck['picture']['format'];
  quality: number;
}

export const MAX_SIDE = 4096;

/** Into the video by this share, past titles that fade in; but never so far that finding it takes long. */
const CHOSEN_SHARE = 0.1;
const LATEST_CHOICE_SECONDS = 30;
/** So far is looked for a frame that is not black. */
const CHOICE_SECONDS = 2;
/** Of 100 pixels, so many darker than this of 255 make a frame black. */
const BLACK = { share: 98, luma: 32 };

interface Encoder {
  name: string;
  pixelFormat: string;
  range: 'full' | 'tv';
  options(quality: number): string[];
}

const ENCODERS: Record<PosterOrder['format'], Encoder> = {
  jpeg: {
    name: 'mjpeg',
    pixelFormat: 'yuvj420p',
    range: 'full',
    options: (quality) => ['-qmin', '1', '-q:v', String(jpegScale(quality))],
  },
  png: { name: 'png', pixelFormat: 'rgb24', range: 'full', options: () => ['-pred', 'mixed'] },
  webp: {
    name: 'libwebp',
    pixelFormat: 'yuv420p',
    range: 'tv',
    options: (quality) => ['-quality', String(quality), '-compression_level', '4'],
  },
};

/** One frame of a video as a picture of square pixels, upright, in the colours that players show. */
export function planPoster(order: PosterOrder, engine: EngineFacts): VideoPlan {
  const { probe, video, format } = order;
  const { width = MAX_SIDE, height = MAX_SIDE } = order;
  const size = fittedSize(shownSize(video), { width, height, fit: 'inside', enlarge: false });
  const encoder = ENCODERS[format];
  const start = order.time === null ? chosenStart(probe, video) : null;
  const { extension, mime_type, container } = FORMATS[format].target;
  const output = `output.${extension}`;
  return {
    runs: [
      {
        stage: 'encoding',
        inputs: [{ index: 0, options: startingAt(probe, seekTime(order, start)) }],
        output_options: [
          ...['-map', `0:${video.index}`, '-filter:v', filters(order, size, start, engine).join(',')],
          ...['-frames:v', '1', '-c:v', encoder.name, ...encoder.options(order.quality)],
          ...['-flags:v', '+bitexact', '-f', 'image2pipe'],
        ],
        frame_timing: 'passthrough',
        output,
        output_seconds: 1,
        encoders: [encoder.name],
      } satisfies EngineRun,
    ],
    outputs: [
      {
        variant: 'output',
        file: output,
        mime_type,
        extension,
        container,
        verify: { picture: { format, ...size } },
      },
    ],
    report: {
      format,
      ...size,
      asked_time: order.time,
      time: timeOfFrame(order),
      tone_mapped: isToneMapped(video, engine),
    },
  };
}

/** Where the look for a frame begins, in the file's own seconds. */
function chosenStart(probe: VideoProbe, video: VideoStreamProbe): number {
  const lasts = Math.min(probe.duration_seconds, video.duration_seconds ?? Number.POSITIVE_INFINITY);
  return zeroOf(probe) + Math.min(CHOSEN_SHARE * lasts, LATEST_CHOICE_SECONDS);
}

function seekTime({ probe, video, span, time }: PosterOrder, start: number | null): number | null {
  if (start !== null) return start;
  if (span !== null && span.frames > 0) return tickTime(span.last_keyframe_tick, tickSeconds(video));
  // A picture that stands for longer than we look back: the nearest keyframe before is it, or the start.
  return (time ?? 0) + zeroOf(probe);
}

function filters(order: PosterOrder, size: Size, start: number | null, engine: EngineFacts): string[] {
  const { video, span } = order;
  const { pixelFormat, range } = ENCODERS[order.format];
  const exact =
    span !== null && span.frames > 0
      ? [`trim=start_pts=${span.last_tick}:end_pts=${span.last_tick + 1}`]
      : [];
  const from = start === null ? [] : [`trim=start=${start.toFixed(6)}`];
  const scale = `scale=${size.width}:${size.height}:${SCALING}${sourceColors(video)}`;
  const finish = ['setsar=1', 'setpts=PTS-STARTPTS'];
  const convert = `out_color_matrix=bt601:out_range=${range}`;
  if (isToneMapped(video, engine))
    return [
      ...exact,
      ...fallback(from),
      ...toneMapping(video, size),
      `scale=${convert}`,
      `format=${pixelFormat}`,
      ...finish,
    ];
  if (start === null) return [...exact, `${scale}:${convert}`, `format=${pixelFormat}`, ...finish];
  return [
    // blackframe knows 4:2:0 of 8 bits alone.
    ...[`${scale}:out_color_matrix=bt601:out_range=tv`, 'format=yuv420p'],
    ...fallback([
      `trim=start=${start.toFixed(6)}:end=${(start + CHOICE_SECONDS).toFixed(6)}`,
      `blackframe=amount=0:threshold=${BLACK.luma}`,
      `metadata=mode=select:key=lavfi.blackframe.pblack:value=${BLACK.share}:function=less`,
    ]),
    ...[`scale=in_color_matrix=bt601:in_range=tv:${convert}`, `format=${pixelFormat}`, ...finish],
  ];
}

/** The first frame that passes, or the very first when none does: a poster of a black video is black. */
const fallback = (wanted: string[]): string[] =>
  wanted.length === 0
    ? []
    : [`split[a][b];[a]${wanted.join(',')}[c];[b]trim=end_frame=1[d];[c][d]concat=n=2:v=1:a=0`];

/** The time of the picture as players show it; null where ffmpeg chooses. */
function timeOfFrame({ probe, video, span }: PosterOrder): number | null {
  if (span === null || span.frames === 0) return null;
  return micro(span.last_tick * tickSeconds(video) - zeroOf(probe));
}

/**
 * ffmpeg's scale of quantisers, 1 (best) to 31, for the quality that JPEG libraries know: those scale their tables by
 * 5000 / quality or 200 - 2 * quality percent; measured, a tenth of that makes a file of about the same size and look.
 */
export function jpegScale(quality: number): number {
  const percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  return Math.min(31, Math.max(1, Math.round(percent / 10)));
}
