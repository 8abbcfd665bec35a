import { AppError, type AudioStreamProbe, type VideoStreamProbe } from '@mediakiln/contracts';
import { type FfprobeStream, namedOf, numberOf, rateOf } from './ffprobe-json';
import { AUDIO_CODECS, MAX_FRAMES_PER_SECOND, MAX_PIXELS, VIDEO_CODECS } from './limits';

/** Rates that differ by more than this share make a video VFR; muxers round the average a little. */
const RATE_TOLERANCE = 0.005;

/** Cover art is a picture beside the media, not the media. */
export const isCoverArt = (stream: FfprobeStream): boolean => stream.disposition?.attached_pic === 1;

/** @throws AppError unsupported_codec, video_corrupt, video_too_large, frame_rate_too_high */
export function videoStream(stream: FfprobeStream): VideoStreamProbe {
  const codec = takenCodec('video', stream.codec_name, VIDEO_CODECS);
  const width = stream.width ?? 0;
  const height = stream.height ?? 0;
  if (width < 1 || height < 1 || stream.pix_fmt === undefined)
    throw new AppError('video_corrupt', 'The video stream holds no picture that could be decoded');
  if (width * height > MAX_PIXELS)
    throw new AppError(
      'video_too_large',
      `The picture has ${width} x ${height} = ${width * height} pixels; at most ${MAX_PIXELS} are taken`,
    );
  const averageRate = rateOf(stream.avg_frame_rate);
  const baseRate = rateOf(stream.r_frame_rate);
  // A VFR file's base rate is a common multiple, often 90000: only the average says how many frames there are.
  const rate = averageRate ?? baseRate ?? 0;
  if (rate > MAX_FRAMES_PER_SECOND)
    throw new AppError(
      'frame_rate_too_high',
      `The video has ${Number(rate.toFixed(2))} frames per second; at most ${MAX_FRAMES_PER_SECOND} are taken`,
    );
  return {
    index: stream.index,
    codec,
    profile: namedOf(stream.profile),
    pixel_format: stream.pix_fmt,
    coded_width: width,
    coded_height: height,
    sample_aspect_ratio: aspectOf(stream.sample_aspect_ratio),
    average_frame_rate: stream.avg_frame_rate ?? '0/0',
    base_frame_rate: stream.r_frame_rate ?? '0/0',
    is_variable_frame_rate:
      averageRate === null ||
      baseRate === null ||
      Math.abs(averageRate - baseRate) > RATE_TOLERANCE * baseRate,
    rotation_degrees: rotationOf(stream),
    time_base: stream.time_base ?? '1/1000',
    start_seconds: numberOf(stream.start_time) ?? 0,
    duration_seconds: numberOf(stream.duration),
    bit_rate: numberOf(stream.bit_rate),
    has_b_frames: stream.has_b_frames ?? 0,
    color_primaries: namedOf(stream.color_primaries),
    color_transfer: namedOf(stream.color_transfer),
    color_space: namedOf(stream.color_space),
    color_range: namedOf(stream.color_range),
    decoder_config: namedOf(stream.extradata_hash),
    field_order: namedOf(stream.field_order),
  };
}

/** @throws AppError unsupported_codec */
export function audioStream(stream: FfprobeStream): AudioStreamProbe {
  return {
    index: stream.index,
    codec: takenCodec('audio', stream.codec_name, AUDIO_CODECS),
    profile: namedOf(stream.profile),
    sample_rate: numberOf(stream.sample_rate) ?? 0,
    channels: stream.channels ?? 0,
    channel_layout: namedOf(stream.channel_layout),
    start_seconds: numberOf(stream.start_time) ?? 0,
    duration_seconds: numberOf(stream.duration),
    bit_rate: numberOf(stream.bit_rate),
  };
}

function takenCodec(kind: 'video' | 'audio', codec: string | undefined, taken: readonly string[]): string {
  if (codec !== undefined && taken.includes(codec)) return codec;
  throw new AppError(
    'unsupported_codec',
    `The ${kind} codec ${codec ?? '(unknown)'} is not taken; taken are: ${taken.join(', ')}`,
  );
}

/** `0:1` and nothing both mean: square pixels as far as anyone knows. */
function aspectOf(text: string | undefined): string {
  return text === undefined || rateOf(text.replace(':', '/')) === null ? '1:1' : text;
}

/** Side data turns counter-clockwise, the older tag clockwise. */
function rotationOf(stream: FfprobeStream): number {
  const matrix = stream.side_data_list?.find((one) => typeof one.rotation === 'number');
  const clockwise = matrix ? -(matrix.rotation ?? 0) : (numberOf(stream.tags?.rotate) ?? 0);
  return (((Math.round(clockwise / 90) * 90) % 360) + 360) % 360;
}
