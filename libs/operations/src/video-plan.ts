import type { TextProbe } from '@mediakiln/contracts';

/** A stretch of the first input's picture: pts in ticks of the stream's time base, `to_tick` exclusive. */
export interface TickRange {
  from_tick: number;
  to_tick: number;
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
}

/** An input of the job by its place, or the output of an earlier run by its name, MP4 unless it says otherwise. */
export type RunSource = { index: number } | { made: string; container?: string };

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
  /** `inpoint`, and `outpoint`, which is compared with decoding times: in the file's own seconds. */
  from_seconds?: number;
  to_seconds?: number;
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
