import type { AudioStreamProbe, VideoProbe, VideoStreamProbe } from '@mediakiln/contracts';

/** Ten seconds of H.264 as our probe finds them in an MP4: 1280x720, 30 frames a second, upright, no colours told. */
export const pictureFacts = (more: Partial<VideoStreamProbe> = {}): VideoStreamProbe => ({
  index: 0,
  codec: 'h264',
  profile: 'High',
  pixel_format: 'yuv420p',
  coded_width: 1280,
  coded_height: 720,
  sample_aspect_ratio: '1:1',
  average_frame_rate: '30/1',
  base_frame_rate: '30/1',
  is_variable_frame_rate: false,
  rotation_degrees: 0,
  time_base: '1/15360',
  start_seconds: 0,
  duration_seconds: 10,
  bit_rate: null,
  has_b_frames: 2,
  color_primaries: null,
  color_transfer: null,
  color_space: null,
  color_range: null,
  ...more,
});

/** Ten seconds of stereo AAC beside it. */
export const soundFacts = (more: Partial<AudioStreamProbe> = {}): AudioStreamProbe => ({
  index: 1,
  codec: 'aac',
  profile: 'LC',
  sample_rate: 48_000,
  channels: 2,
  channel_layout: 'stereo',
  start_seconds: 0,
  duration_seconds: 10,
  bit_rate: null,
  ...more,
});

/** The file around them: as long and as large as its picture, and silent unless sound is given. */
export function videoFacts(more: Partial<VideoProbe> = {}): VideoProbe {
  const { video = pictureFacts() } = more;
  return {
    kind: 'video',
    container: 'mov',
    duration_seconds: video?.duration_seconds ?? 10,
    start_seconds: 0,
    bit_rate: null,
    has_index: true,
    width: video?.coded_width ?? null,
    height: video?.coded_height ?? null,
    frames_per_second: 30,
    video,
    audio: null,
    dropped_streams: [],
    ...more,
  };
}
