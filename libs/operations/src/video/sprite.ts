import { AppError, type VideoProbe } from '@mediakiln/contracts';
import type { VideoOperation } from '../operation';
import { IntegerParam, NumberParam } from '../param';
import { wallLimitSeconds } from './limits';
import { MAX_SHEET_PIXELS, MAX_TILES, planSprite, sheetOf } from './sprite-plan';
import { pictured } from './timeline';

export class VideoSpriteParams {
  @NumberParam({
    description:
      'A picture for each so many seconds. Default: so that there are 100, but not more than one a second',
    minimum: 0.1,
    maximum: 3600,
    optional: true,
    example: 5,
  })
  interval_seconds?: number;

  @IntegerParam({
    description: 'Or so many pictures, evenly over the video',
    minimum: 1,
    maximum: MAX_TILES,
    optional: true,
    example: 25,
  })
  count?: number;

  @IntegerParam({ description: 'Pictures in a row of the sheet', minimum: 1, maximum: 50, default: 10 })
  columns: number = 10;

  @IntegerParam({
    description: 'Width of each picture; the shape is kept, and nothing is enlarged',
    minimum: 32,
    maximum: 640,
    default: 160,
  })
  width: number = 160;

  @IntegerParam({
    description: 'Quality of the JPEG: 1 is the smallest file, 100 the best picture',
    minimum: 1,
    maximum: 100,
    default: 75,
  })
  quality: number = 75;
}

/** What a scrubber shows: small pictures of the whole video in one sheet, and the cues that name the place of each. */
export const videoSprite: VideoOperation<VideoSpriteParams> = {
  name: 'video.sprite',
  engine: 'video',
  role: 'transform',
  lane: 'heavy',
  summary:
    'Makes a sheet of small pictures over the whole video, and WebVTT that tells a player when to show which',
  version: 1,
  params: VideoSpriteParams,
  example: { count: 6, columns: 3, width: 120 },
  accepts: ['video'],
  minInputs: 1,
  maxInputs: 1,
  makes: { sheet: 'image' },
  encoders: ['mjpeg'],
  timeoutSeconds: ([probe]) => wallLimitSeconds((probe as VideoProbe | undefined)?.duration_seconds ?? 0),
  rules: ({ interval_seconds, count }) =>
    interval_seconds !== undefined && count !== undefined
      ? [{ pointer: '/params/count', code: 'excludes', detail: 'Give interval_seconds or count, not both' }]
      : [],
  check: (probes, params) => {
    const { count, columns, rows, tile } = sheetOf(pictured(probes), params);
    if (count > MAX_TILES) {
      const detail = `interval_seconds (${params.interval_seconds}) makes ${count} pictures of this video; at most ${MAX_TILES} are made`;
      throw new AppError('validation_failed', detail, {
        errors: [{ pointer: '/params/interval_seconds', code: 'too_many_pictures', detail }],
      });
    }
    const [width, height] = [columns * tile.width, rows * tile.height];
    if (width * height > MAX_SHEET_PIXELS)
      throw new AppError(
        'output_too_large',
        `The sheet would be ${width}x${height}, ${width * height} pixels; at most ${MAX_SHEET_PIXELS} are made`,
      );
  },
  plan: (probes, params, _span, engine) => planSprite(pictured(probes), params, engine),
};
