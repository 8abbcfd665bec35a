/** What a processor found inside an image. Sizes in pixels as stored, before EXIF orientation is applied. */
export interface ImageProbe {
  kind: 'image';
  format: 'jpeg' | 'png' | 'webp' | 'gif' | 'avif';
  /** Size of one frame (page) as stored. */
  stored_width: number;
  stored_height: number;
  /** Size as shown, after EXIF orientation. */
  width: number;
  height: number;
  /** EXIF orientation 1-8; 1 when absent. */
  orientation: number;
  frames: number;
  has_alpha: boolean;
  /** A usable one: a damaged profile counts as none. */
  has_icc_profile: boolean;
  color_space: string;
  bit_depth: number;
  channels: number;
  is_progressive: boolean;
  /** EXIF holds a GPS position. */
  has_gps: boolean;
  /** ThumbHash in base64, of the first frame as shown; absent where nobody has decoded the picture for it. */
  placeholder?: string;
}

export interface VideoStreamProbe {
  index: number;
  codec: string;
  profile: string | null;
  pixel_format: string;
  /** Size as coded, before rotation. */
  coded_width: number;
  coded_height: number;
  sample_aspect_ratio: string;
  /** Average and base frame rate as fractions, such as `30000/1001`. */
  average_frame_rate: string;
  base_frame_rate: string;
  is_variable_frame_rate: boolean;
  /** Clockwise degrees that a player turns the picture by: 0, 90, 180, 270. */
  rotation_degrees: number;
  time_base: string;
  start_seconds: number;
  duration_seconds: number | null;
  bit_rate: number | null;
  has_b_frames: number;
  color_primaries: string | null;
  color_transfer: string | null;
  color_space: string | null;
  color_range: string | null;
  /** Digest of what a decoder is set up with, for H.264 its parameter sets; absent: looked into before this was read. */
  decoder_config?: string | null;
  /** `progressive`, or how fields are ordered; null: unknown; absent: looked into before this was read. */
  field_order?: string | null;
}

export interface AudioStreamProbe {
  index: number;
  codec: string;
  /** Absent: looked into before this was read. */
  profile?: string | null;
  sample_rate: number;
  channels: number;
  channel_layout: string | null;
  start_seconds: number;
  duration_seconds: number | null;
  bit_rate: number | null;
}

/** What a processor found inside a video or audio file. */
export interface VideoProbe {
  kind: 'video' | 'audio';
  /** Our own sniff of the container, which is also the demuxer that ffmpeg is told to use. */
  container: string;
  duration_seconds: number;
  start_seconds: number;
  bit_rate: number | null;
  /** Size as shown, after rotation; null for audio. */
  width: number | null;
  height: number | null;
  frames_per_second: number | null;
  video: VideoStreamProbe | null;
  audio: AudioStreamProbe | null;
  /** An MP4 of which one index tells where each sample is; absent: looked into before this was read. */
  has_index?: boolean;
  /** Streams that operations do not carry over, such as subtitles, data and cover art. */
  dropped_streams: { index: number; type: string; codec: string }[];
}

export type Probe = ImageProbe | VideoProbe;

/** What an operation tells of a text that it wrote: it names other outputs of the same job, and is of no use without them. */
export interface TextProbe {
  kind: 'other';
  format: 'hls' | 'webvtt';
  /** Variants of the job's outputs that a player finds through this one. In the text they stand as `<variant>.<extension>`. */
  parts: string[];
  /** Of what it plays or shows. */
  duration_seconds: number;
  width: number;
  height: number;
}

/** Operations read a `Probe`; of what they make, some is for players alone. */
export type MediaProbe = Probe | TextProbe;
