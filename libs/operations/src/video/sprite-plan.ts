import type { VideoProbe, VideoStreamProbe } from '@mediakiln/contracts';
import { FORMATS } from '../image/formats';
import { type Size, fittedSize } from '../image/geometry';
import type { EngineFacts, VideoPlan } from '../video-plan';
import { rateOf } from './ffprobe-json';
import { jpegScale } from './poster-plan';
import { startingAt } from './seek';
import { SCALING, isToneMapped, shownSize, sourceColors, toneMapping } from './shown';
import { pictureEnd } from './sound';
import { micro, zeroOf } from './timeline';

export const MAX_TILES = 400;
/** What phones still show as one picture. */
export const MAX_SHEET_PIXELS = 16_777_216;
const USUAL_TILES = 100;
const LEAST_USUAL_SECONDS = 1;
/** In a long video a picture of the nearest keyframe before does, and saves decoding all the others. */
const COARSE = { interval_seconds: 5, duration_seconds: 600 };
const TILES = 'tiles.mov';
const SHEET = 'sheet.jpg';
const DRAWING_COST = 0.02;

interface SpriteOrder {
  interval_seconds?: number;
  count?: number;
  columns: number;
  width: number;
  quality: number;
}

interface Pictured {
  probe: VideoProbe;
  video: VideoStreamProbe;
}

export interface Sheet {
  count: number;
  interval: number;
  columns: number;
  rows: number;
  tile: Size;
}

export function sheetOf({ probe, video }: Pictured, order: SpriteOrder): Sheet {
  const duration = pictureEnd(probe);
  const usual = order.count === undefined ? Math.max(LEAST_USUAL_SECONDS, duration / USUAL_TILES) : undefined;
  const interval = order.interval_seconds ?? usual ?? duration / order.count!;
  // The middle of each interval is shown, so the last one must reach its own.
  const frames = 2 / (rateOf(video.average_frame_rate) ?? 25);
  const count = order.count ?? Math.max(1, Math.floor((duration - frames) / interval + 0.5));
  const columns = Math.min(order.columns, count);
  const tile = fittedSize(shownSize(video), { width: order.width, fit: 'inside', enlarge: false });
  return { count, interval, columns, rows: Math.ceil(count / columns), tile };
}

/**
 * First the pictures, as a video with one of them for each interval, then the sheet of them: so progress is that of
 * going through the video.
 */
export function planSprite(pictured: Pictured, order: SpriteOrder, engine: EngineFacts): VideoPlan {
  const { probe, video } = pictured;
  const sheet = sheetOf(pictured, order);
  const { count, interval, columns, rows, tile } = sheet;
  const duration = micro(pictureEnd(probe));
  const isCoarse = interval >= COARSE.interval_seconds && duration >= COARSE.duration_seconds;
  const size = { width: columns * tile.width, height: rows * tile.height };
  const { mime_type, container } = FORMATS.jpeg.target;
  return {
    runs: [
      {
        stage: 'decoding',
        inputs: [
          { index: 0, options: [...(isCoarse ? ['-skip_frame', 'nokey'] : []), ...startingAt(probe, null)] },
        ],
        output_options: [
          ...['-map', `0:${video.index}`, '-filter:v', tileFilters(pictured, sheet, engine).join(',')],
          ...['-frames:v', String(count), '-c:v', 'mjpeg', '-q:v', '2', '-f', 'mov'],
        ],
        frame_timing: 'passthrough',
        output: TILES,
        output_seconds: micro(count * interval),
      },
      {
        stage: 'drawing',
        inputs: [{ made: TILES, options: [] }],
        output_options: [
          ...['-map', '0:v:0', '-filter:v', `tile=${columns}x${rows}:nb_frames=${count},setpts=0`],
          ...['-frames:v', '1', '-c:v', 'mjpeg', '-qmin', '1', '-q:v', String(jpegScale(order.quality))],
          ...['-flags:v', '+bitexact', '-f', 'image2pipe'],
        ],
        frame_timing: 'passthrough',
        output: SHEET,
        output_seconds: micro(count * interval),
        cost: DRAWING_COST,
      },
    ],
    outputs: [
      {
        ...{ variant: 'sheet', file: SHEET, mime_type, extension: 'jpg', container },
        verify: { picture: { format: 'jpeg', ...size } },
      },
    ],
    texts: [
      {
        ...{
          variant: 'track',
          file: 'track.vtt',
          mime_type: 'text/vtt',
          extension: 'vtt',
          container: 'webvtt',
        },
        facts: { kind: 'other', format: 'webvtt', parts: ['sheet'], duration_seconds: duration, ...size },
        text: cues(sheet, duration),
      },
    ],
    report: {
      count,
      interval_seconds: micro(interval),
      ...{ columns, rows, tile_width: tile.width, tile_height: tile.height },
      exact: !isCoarse,
      tone_mapped: isToneMapped(video, engine),
    },
  };
}

/** The frame that is shown in the middle of each interval: `round=up` gives an output the last frame before its time. */
function tileFilters({ probe, video }: Pictured, sheet: Sheet, engine: EngineFacts): string[] {
  const { interval, tile, count } = sheet;
  const middle = (zeroOf(probe) + interval / 2).toFixed(6);
  const chosen =
    count === 1
      ? ['setpts=PTS-STARTPTS', `trim=start=0`]
      : [
          // Where the last picture stands for long, it has no frame behind it.
          ...(engine.filters.has('tpad')
            ? [`tpad=stop_mode=clone:stop_duration=${interval.toFixed(6)}`]
            : []),
          `setpts=PTS-(${middle})/TB`,
          `fps=fps=1/${interval.toFixed(6)}:round=up:start_time=0`,
        ];
  const sides = `${tile.width}:${tile.height}`;
  const finish = ['format=yuvj420p', 'setsar=1'];
  if (isToneMapped(video, engine))
    return [...chosen, ...toneMapping(video, tile), 'scale=out_color_matrix=bt601:out_range=full', ...finish];
  const scale = `scale=${sides}:${SCALING}${sourceColors(video)}:out_color_matrix=bt601:out_range=full`;
  return [...chosen, scale, ...finish];
}

function cues({ count, interval, columns, tile }: Sheet, duration: number): string {
  const all = Array.from({ length: count }, (_, index) => {
    const end = index === count - 1 ? Math.max(duration, (index + 0.5) * interval) : (index + 1) * interval;
    const [x, y] = [(index % columns) * tile.width, Math.floor(index / columns) * tile.height];
    return [
      `${clock(index * interval)} --> ${clock(end)}`,
      `${SHEET}#xywh=${x},${y},${tile.width},${tile.height}`,
      '',
    ].join('\n');
  });
  return ['WEBVTT', '', ...all].join('\n');
}

function clock(seconds: number): string {
  const ms = Math.round(seconds * 1000);
  const part = (value: number, digits = 2): string => String(value).padStart(digits, '0');
  const whole = Math.floor(ms / 1000);
  return `${part(Math.floor(whole / 3600))}:${part(Math.floor(whole / 60) % 60)}:${part(whole % 60)}.${part(ms % 1000, 3)}`;
}
