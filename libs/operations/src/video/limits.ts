/** What every video must keep to before an operation touches it. Each error that quotes one names it and the actual value. */
export const MAX_PIXELS = 36_000_000;
export const MAX_FRAMES_PER_SECOND = 240;
export const MAX_STREAMS = 16;

/** Of a video that is made. Level 5.1 or 5.2, which phones decode in hardware: 3840 x 2160. */
export const MAX_VIDEO_PIXELS = 8_294_400;

/** Codecs that ffmpeg is allowed to open here, by ffprobe's names. */
export const VIDEO_CODECS = ['h264', 'hevc', 'vp8', 'vp9', 'av1', 'mpeg4', 'mpeg2video', 'mjpeg'] as const;
export const AUDIO_CODECS = ['aac', 'mp3', 'opus', 'vorbis', 'flac', 'ac3', 'eac3', 'pcm_s16le'] as const;

/** No attempt ends before it had this long, however short the video is. */
export const MIN_TIMEOUT_SECONDS = 120;
export const TIMEOUT_FACTOR = 10;

/** @param seconds how long the media lasts. */
export const wallLimitSeconds = (seconds: number): number =>
  Math.max(MIN_TIMEOUT_SECONDS, Math.ceil(TIMEOUT_FACTOR * seconds));
