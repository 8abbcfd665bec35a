import { AppError, type VideoProbe } from '@mediakiln/contracts';
import type { ProbedFile, VideoFactsOperation } from '../operation';
import { type FfprobeJson, type FfprobeStream, numberOf, rateOf, readFfprobe } from './ffprobe-json';
import { MAX_STREAMS, MIN_TIMEOUT_SECONDS } from './limits';
import { audioStream, isCoverArt, videoStream } from './streams';

export class VideoProbeParams {}

/** Headers round, and a last packet may come without a duration: smaller gaps are no sign of damage. */
const END_TOLERANCE_SECONDS = 0.5;

/** What an upload is, found by ffprobe. Submitted by the platform itself for each uploaded video. */
export const videoProbe: VideoFactsOperation<VideoProbeParams> = {
  name: 'video.probe',
  engine: 'video',
  role: 'facts',
  lane: 'quick',
  summary: 'Reads what a video or audio file holds: streams, size, duration, rotation',
  version: 1,
  params: VideoProbeParams,
  example: {},
  accepts: ['video', 'audio'],
  minInputs: 1,
  maxInputs: 1,
  timeoutSeconds: () => MIN_TIMEOUT_SECONDS,
  check: () => undefined,
  facts,
};

function facts(raw: unknown, file: ProbedFile): VideoProbe {
  const json = readFfprobe(raw);
  const { streams, format } = json;
  if (streams.length > MAX_STREAMS)
    throw new AppError(
      'too_many_streams',
      `The file has ${streams.length} streams; at most ${MAX_STREAMS} are taken`,
    );
  const picture = streams.find((one) => one.codec_type === 'video' && !isCoverArt(one));
  const sound = streams.find((one) => one.codec_type === 'audio');
  if (!picture && !sound)
    throw new AppError('no_video_stream', 'There is neither a video nor an audio stream in this file');
  refuseTruncated(file, picture ?? sound);
  const startSeconds = numberOf(format.start_time) ?? 0;
  const durationSeconds = durationOf(json, file, startSeconds);
  if (durationSeconds > file.max_seconds)
    throw new AppError(
      'video_too_long',
      `The file lasts ${seconds(durationSeconds)} s; at most ${file.max_seconds} s are taken`,
    );
  const video = picture ? videoStream(picture) : null;
  const isTurned = video !== null && video.rotation_degrees % 180 !== 0;
  return {
    kind: video ? 'video' : 'audio',
    container: file.container,
    duration_seconds: durationSeconds,
    start_seconds: startSeconds,
    bit_rate: numberOf(format.bit_rate),
    width: video && (isTurned ? video.coded_height : video.coded_width),
    height: video && (isTurned ? video.coded_width : video.coded_height),
    frames_per_second: video && (rateOf(video.average_frame_rate) ?? rateOf(video.base_frame_rate)),
    video,
    audio: sound ? audioStream(sound) : null,
    has_index: file.has_index,
    dropped_streams: streams
      .filter((one) => one !== picture && one !== sound)
      .map((one) => ({
        index: one.index,
        type: isCoverArt(one) ? 'cover_art' : (one.codec_type ?? 'unknown'),
        codec: one.codec_name ?? 'unknown',
      })),
  };
}

/** The index of an MP4 lists every sample: where the samples end before the index does, the file was cut off. */
function refuseTruncated(file: ProbedFile, main: FfprobeStream | undefined): void {
  const lasts = numberOf(main?.duration);
  if (file.container !== 'mov' || main === undefined || lasts === null || !file.readable_until) return;
  const promised = (numberOf(main.start_time) ?? 0) + lasts;
  const until = file.readable_until[main.index] ?? 0;
  if (until < promised - END_TOLERANCE_SECONDS)
    throw new AppError(
      'video_corrupt',
      `The file ends after ${seconds(until)} s although its index promises ${seconds(promised)} s: it was cut off`,
    );
}

/** The header's word where it agrees with what can be read; else what can be read, since recorders often leave it out. */
function durationOf(json: FfprobeJson, file: ProbedFile, startSeconds: number): number {
  const stated = numberOf(json.format.duration);
  const ends = Object.values(file.readable_until ?? {});
  const readable = ends.length > 0 ? Math.max(...ends) - Math.max(startSeconds, 0) : null;
  const duration =
    stated !== null && (readable === null || Math.abs(stated - readable) <= END_TOLERANCE_SECONDS)
      ? stated
      : (readable ?? 0);
  if (duration <= 0)
    throw new AppError('video_corrupt', 'The file has a header but nothing that lasts: it was cut off');
  return Number(duration.toFixed(6));
}

const seconds = (value: number): number => Number(value.toFixed(3));
