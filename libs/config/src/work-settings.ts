import { availableParallelism } from 'node:os';
import { IsArray, IsInt, IsOptional, Max, Min, MinLength } from 'class-validator';
import { AccessSettings } from './access-settings';
import { FromEnv, integer, integers, list } from './variable';

const cores = availableParallelism();
const MiB = 1 << 20;

/** What the processors work with, what they may fetch, and how much of it at a time. */
export class WorkSettings extends AccessSettings {
  @FromEnv('FFMPEG_PATH', 'ffmpeg binary; unset: PATH, then the npm-shipped one')
  @IsOptional()
  @MinLength(1)
  readonly ffmpegPath?: string;

  @FromEnv('FFPROBE_PATH', 'ffprobe binary; unset: PATH, then the npm-shipped one')
  @IsOptional()
  @MinLength(1)
  readonly ffprobePath?: string;

  @FromEnv('IMAGE_CONCURRENCY', 'Image jobs that one processor runs at a time', {
    parse: integer,
    defaultText: 'number of cores',
  })
  @IsInt()
  @Min(1)
  @Max(64)
  readonly imageConcurrency: number = cores;

  @FromEnv('VIDEO_CONCURRENCY', 'Heavy video jobs that one processor runs at a time', { parse: integer })
  @IsInt()
  @Min(1)
  @Max(64)
  readonly videoConcurrency: number = 1;

  @FromEnv('VIDEO_QUICK_CONCURRENCY', 'Probes and other quick video jobs that one processor runs at a time', {
    parse: integer,
  })
  @IsInt()
  @Min(1)
  @Max(64)
  readonly videoQuickConcurrency: number = 2;

  @FromEnv(
    'FETCH_ALLOW_CIDRS',
    'Networks beyond the public ones that addresses given by users may lead to, separated by commas',
    { parse: list },
  )
  @IsArray()
  readonly fetchAllowCidrs: readonly string[] = [];

  @FromEnv(
    'FETCH_ALLOW_PORTS',
    'Ports besides 80 and 443 that such addresses may name, separated by commas',
    {
      parse: integers,
    },
  )
  @IsArray()
  @IsInt({ each: true })
  @Min(1, { each: true })
  @Max(65_535, { each: true })
  readonly fetchAllowPorts: readonly number[] = [];

  @FromEnv('MAX_FETCH_BYTES', 'Largest file that is fetched from such an address, in bytes', {
    parse: integer,
  })
  @IsInt()
  @Min(1024)
  readonly maxFetchBytes: number = 256 * MiB;

  @FromEnv('FETCH_PER_HOST', 'Most fetches at a time of one processor from one host', { parse: integer })
  @IsInt()
  @Min(1)
  @Max(64)
  readonly fetchPerHost: number = 8;

  @FromEnv('MAX_CSV_BYTES', 'Largest CSV list in bytes', { parse: integer })
  @IsInt()
  @Min(1024)
  readonly maxCsvBytes: number = 10 * MiB;

  @FromEnv('MAX_CSV_ROWS', 'Most rows of a CSV list', { parse: integer })
  @IsInt()
  @Min(1)
  readonly maxCsvRows: number = 10_000;

  @FromEnv(
    'IMAGE_TO_VIDEO_DELAY_SECONDS',
    'Seconds between an upload through the image-to-video compatibility routes and the start of its video',
    { parse: integer },
  )
  @IsInt()
  @Min(0)
  @Max(86_400)
  readonly imageToVideoDelaySeconds: number = 30;
}
