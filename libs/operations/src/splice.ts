/** An input of the job by its place, or the output of an earlier run by its name, MP4 unless it says otherwise. */
export type RunSource = { index: number } | { made: string; container?: string };

/** An MP4 that is made of the samples of other MP4s, whose bytes are taken over as they are. */
export interface Splice {
  /** Name shown as progress stage. */
  stage: string;
  /** File name inside the work folder. */
  output: string;
  output_seconds: number;
  picture: SplicedPicture;
  sound: SplicedSound | null;
}

/** Of H.264, of one size. */
export interface SplicedPicture {
  pieces: readonly PicturePiece[];
  /** Ticks per second. */
  timescale: number;
  /** When the last frame gives way. */
  end_tick: number;
  /** Clockwise degrees that players turn it by. */
  rotation_degrees: number;
  sample_aspect_ratio: string;
}

export interface PicturePiece {
  source: RunSource;
  /** Index of the stream in its source; null: the only one of its kind. */
  stream: number | null;
  /** pts of its first frame, a keyframe, in ticks of its source; null: the first of all. */
  from_tick: number | null;
  frames: number;
  /** When that is shown, in ticks of what is made. */
  at_tick: number;
}

/** AAC: one stretch, exact to the sample, or whole packets of several files one behind the other. */
export type SplicedSound =
  | { stretch: SoundStretch }
  | { pieces: readonly SoundPackets[]; sample_rate: number; packet_samples: number };

export interface SoundStretch {
  source: RunSource;
  stream: number | null;
  /** In the source's own seconds. */
  from_seconds: number;
  seconds: number;
  /** Packets from so long before come along, hidden: a decoder needs one to get going. */
  lead_seconds: number;
}

export interface SoundPackets {
  source: RunSource;
  stream: number | null;
  /** Where the first one is played, in the source's own seconds. */
  from_seconds: number;
  packets: number;
}
