import { AppError } from '@mediakiln/contracts';

/** The parts of `ffprobe -show_format -show_streams -of json` that we read. Numbers may be texts, and any may be missing. */
export interface FfprobeStream {
  index: number;
  codec_type?: string;
  codec_name?: string;
  profile?: string;
  width?: number;
  height?: number;
  pix_fmt?: string;
  sample_aspect_ratio?: string;
  avg_frame_rate?: string;
  r_frame_rate?: string;
  time_base?: string;
  start_time?: string;
  duration?: string;
  bit_rate?: string;
  has_b_frames?: number;
  color_primaries?: string;
  color_transfer?: string;
  color_space?: string;
  color_range?: string;
  extradata_hash?: string;
  field_order?: string;
  sample_rate?: string;
  channels?: number;
  channel_layout?: string;
  disposition?: Record<string, number>;
  tags?: Record<string, string>;
  side_data_list?: { side_data_type?: string; rotation?: number }[];
}

export interface FfprobeJson {
  format: { start_time?: string; duration?: string; bit_rate?: string };
  streams: FfprobeStream[];
}

export function readFfprobe(raw: unknown): FfprobeJson {
  const json = (typeof raw === 'object' && raw !== null ? raw : {}) as Partial<FfprobeJson>;
  if (!Array.isArray(json.streams) || json.streams.length === 0)
    throw new AppError('video_corrupt', 'The file has no stream that could be read');
  return { format: json.format ?? {}, streams: json.streams };
}

/** A finite number, or null for what is absent or `N/A`. */
export function numberOf(text: string | number | undefined): number | null {
  const value = typeof text === 'string' ? Number.parseFloat(text) : (text ?? Number.NaN);
  return Number.isFinite(value) ? value : null;
}

/** `30000/1001` as a number; null for `0/0` and everything else that is no positive rate. */
export function rateOf(fraction: string | undefined): number | null {
  const [numerator, denominator = 1] = (fraction ?? '').split('/').map(Number);
  const rate = (numerator ?? Number.NaN) / denominator;
  return Number.isFinite(rate) && rate > 0 ? rate : null;
}

/** ffprobe says `unknown` or nothing at all. */
export const namedOf = (text: string | undefined): string | null =>
  text === undefined || text === '' || text === 'unknown' || text === 'reserved' ? null : text;
