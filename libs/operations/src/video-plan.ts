import type { TextProbe } from '@mediakiln/contracts';
import type { RunSource, Splice } from './splice';

/** A stretch of the first input's picture: pts in ticks of the stream's time base, `to_tick` exclusive. */
export interface TickRange {
  from_tick: number;
  to_tick: number;
  /** Its packets too, so that a plan can tell which of them may be copied. */
  wants_packets?: boolean;
}

/** The frames that were found in a stretch, so that a plan can name them exactly instead of by rounded seconds. */
export interface FrameSpan {
  frames: number;
  /** pts of the first and of the last frame inside; both 0 when there is none. */
  first_tick: number;
  last_tick: number;
  /** When the last frame gives way: pts of the next one, or its own end. */
  end_tick: number;
  /** pts of a keyframe from which everything inside can be decoded; null: decode from the start of the file. */
  keyframe_tick: number | null;
  /** The same for the last frame alone. */
  last_keyframe_tick: number | null;
  /** The frames inside lie on the grid of the stream's base frame rate. */
  is_constant_rate: boolean;
  /** Where the range wants them and each of them is a frame. */
  packets?: PacketSurvey;
}

/** What a stretch consists of in the file: in it and a little around it. */
export interface PacketSurvey {
  /** Of the picture, in the order of decoding. */
  packets: readonly PicturePacket[];
  /** pts of the packets that hold an IDR picture (NAL type 5): nothing refers across one, in neither direction. */
  idr_ticks: readonly number[];
  /** `progressive` or how fields are ordered; null: unknown. */
  field_order: string | null;
  /** The file's own index tells where each packet is, so that its bytes can be taken out of it. */
  is_indexed: boolean;
}

export interface PicturePacket {
  /** pts. */
  tick: number;
  /** Null where the container stores none and it could not be guessed. */
  dts_tick: number | null;
  /** Only there to be decoded: an edit list hides it. */
  is_hidden: boolean;
}

/** What ffmpeg reads: one file, or several as if they were one. */
export type RunInput = { options: string[] } & (RunSource | { list: readonly ListEntry[] });

/**
 * A part of a list, as the directives of ffmpeg's concat demuxer have it. The executor writes the list; every input in
 * it must have been opened under the strict flags before, since those of a list cannot hold each entry to its container.
 */
export interface ListEntry {
  source: RunSource;
  /** `duration`: the next entry starts so many seconds later, whatever this one's own length is. */
  seconds?: number;
  /** `inpoint`: in the file's own seconds. */
  from_seconds?: number;
}

/** One run of ffmpeg, as data. The executor adds the strict flags, the progress pipe and the process limits. */
export interface EngineRun {
  /** Name shown as progress stage. */
  stage: string;
  inputs: RunInput[];
  /** Options between the inputs and the output, without paths. */
  output_options: string[];
  /** How frames keep their times; spelled differently by ffmpeg 4 and 5. */
  frame_timing: 'passthrough' | 'constant' | 'variable';
  /** File name inside the work folder. */
  output: string;
  /** Written by the same run, as sound that goes with a picture. */
  more_outputs?: { output_options: string[]; output: string }[];
  /** Seconds that the output will last: progress is measured against it. */
  output_seconds: number;
  /** What a second of it costs where encoding one costs 1, which it is by default: progress is weighed with it. */
  cost?: number;
  /** Starts together with the run before it instead of after it. */
  is_beside?: boolean;
  /** Encoders besides those that the operation always needs: where ffmpeg lacks one, the job is refused. */
  encoders?: readonly string[];
}

/** What must hold of an output that is a video. */
export interface VideoCheck {
  /** Absent: nobody counted before. */
  frames?: number;
  duration_seconds: number;
  tolerance_seconds: number;
  /** As shown; absent: whatever it is. */
  size?: { width: number; height: number };
  /** Of what was put together from parts. */
  joined?: JoinedCheck;
  /** Of what was put together from whole files. */
  pieces?: PieceCheck;
}

/** What must hold of a video made of pieces: frames follow each other evenly, and sound without a gap or an overlap. */
export interface PieceCheck {
  /** Clockwise degrees that players turn the picture by. */
  rotation_degrees: number;
  frame_seconds: number;
  /** Numbers of the frames that start a piece, but for the first one: each is a keyframe. */
  starts: readonly number[];
  /** Those of them at which a decoder is set up anew: it must get over them without a complaint. */
  changes: readonly number[];
  /** Null: there is no sound. */
  sound: { packets: number; packet_seconds: number } | null;
}

/** What must hold of a video whose packets were copied, besides: every frame in its place, and clean joins. */
export interface JoinedCheck {
  /** When each frame is shown, in seconds after the first. */
  frame_seconds: readonly number[];
  tick_seconds: number;
  /** Where parts meet, and both ends: what lies around them must decode without a warning. */
  joins_seconds: readonly number[];
  /** When picture and sound end, in seconds; null: there is none, or nobody knows. */
  sound_end_seconds: number | null;
  /** How players turn and stretch the stored picture. */
  rotation_degrees: number;
  sample_aspect_ratio: string;
}

/** What must hold of an output that is one picture: 8 bits of red, green and blue, upright, nothing else in the file. */
export interface PictureCheck {
  picture: { format: 'jpeg' | 'png' | 'webp'; width: number; height: number };
}

/** What must hold of an output that is sound alone. */
export interface AudioCheck {
  audio: { codec: string; duration_seconds: number; tolerance_seconds: number };
}

/** What a plan may ask of the ffmpeg that will run it. */
export interface EngineFacts {
  filters: ReadonlySet<string>;
}

export type OutputCheck = VideoCheck | PictureCheck | AudioCheck;

export interface PlannedOutput {
  variant: string;
  /** File name inside the work folder. */
  file: string;
  mime_type: string;
  extension: string;
  container: string;
  /** What must hold of it, else `output_not_verified`. */
  verify: OutputCheck;
}

/** A rendition of a ladder, by the file names of its parts. */
export interface PlannedRendition {
  playlist: string;
  /** A fragmented MP4. */
  video: string;
  width: number;
  height: number;
  frames_per_second: number;
}

/** A text that goes with the outputs and names them; what it tells of them is found out when they are made. */
export interface PlannedText {
  variant: string;
  /** File name inside the work folder. */
  file: string;
  mime_type: string;
  extension: string;
  container: TextProbe['format'];
  facts: TextProbe;
  /** As it is, or a playlist of HLS: of one file's fragments, or of several playlists. */
  text: string | { rendition: PlannedRendition } | { renditions: readonly PlannedRendition[] };
}

export interface VideoPlan {
  /** One after the other, but for those that go beside the one before. */
  runs: EngineRun[];
  /** Made of what the runs made and of the inputs. */
  splice?: Splice;
  outputs: PlannedOutput[];
  texts?: PlannedText[];
  /** Goes into the job's report as it is. */
  report: Record<string, unknown>;
  /** Carried out instead where ffmpeg fails at this plan, or its output does not pass the check: a cheaper way was tried. */
  otherwise?: VideoPlan;
}

/** What every video that we write is, unless another format was asked for. */
export const MP4_OUTPUT = {
  variant: 'output',
  mime_type: 'video/mp4',
  extension: 'mp4',
  container: 'mov',
} as const;
