import type { VideoStreamProbe } from '@mediakiln/contracts';
import type { RunSource } from '../splice';
import type { EngineFacts, EngineRun } from '../video-plan';
import { fittedSize } from '../image/geometry';
import { tagsLike } from './color';
import { roundedDown } from './even-sides';
import { perSecond, rateText, timescaleOf } from './merge-rate';
import { type Difference, type MergeInput, freeEncoder, matchingEncoder } from './merge-signature';
import {
  type MergeSound,
  type SoundFate,
  type SoundSlot,
  silence,
  soundEncoderOptions,
  soundFilters,
} from './merge-sound';
import type { MergeTarget } from './merge-target';
import { SCALING, isToneMapped, shownSize, sourceColors, toneMapping } from './shown';

/** One input on its way into the video, in its place. */
export interface MergePiece {
  index: number;
  input: MergeInput;
  isCopied: boolean;
  /** Why it is not; empty where it is. */
  reasons: readonly Difference[];
  frames: number;
  seconds: number;
  sound: { fate: Exclude<SoundFate, 'none'>; slot: SoundSlot; of: MergeSound } | null;
}

/** Copying takes a small share of the time that encoding takes. */
const COPY_COST = 0.02;
const KEYFRAME_SECONDS = 2;
/** A last frame may be rounded away; a picture that ends much earlier than its file says is damaged. */
const MOST_HELD_SECONDS = 1;

const pictureFile = ({ index }: MergePiece): string => `picture${index}.mp4`;
const soundFile = ({ index }: MergePiece): string => `sound${index}.mp4`;

const isIndexed = ({ input: { probe } }: MergePiece): boolean => probe.has_index === true;
const isPictureMade = (piece: MergePiece): boolean => !(piece.isCopied && isIndexed(piece));
const isSoundMade = (piece: MergePiece): boolean =>
  piece.sound !== null &&
  piece.sound.slot.packets > 0 &&
  !(piece.sound.fate === 'copied' && isIndexed(piece));

/** Whether something of it comes out of a run; else all of it is taken right out of the input. */
export const isMade = (piece: MergePiece): boolean => isPictureMade(piece) || isSoundMade(piece);

interface PieceSource {
  source: RunSource;
  stream: number | null;
}

export const pictureSource = (piece: MergePiece): PieceSource =>
  isPictureMade(piece)
    ? { source: { made: pictureFile(piece) }, stream: null }
    : { source: { index: piece.index }, stream: piece.input.video.index };

/** And where its sound starts with its picture. */
export function soundSource(piece: MergePiece): PieceSource & { from_seconds: number } {
  if (isSoundMade(piece)) return { source: { made: soundFile(piece) }, stream: null, from_seconds: 0 };
  const { probe, video } = piece.input;
  return { source: { index: piece.index }, stream: probe.audio!.index, from_seconds: video.start_seconds };
}

/**
 * Opens each input by itself, and makes of it what cannot be taken right out of it: a file with its picture and one with
 * its sound, ready to be joined. Copies may share a run, since to start ffmpeg takes longer than to copy a short clip.
 */
export function piecesRun(
  pieces: readonly MergePiece[],
  target: MergeTarget,
  engine: EngineFacts,
): EngineRun {
  const isCopied = pieces.every((piece) => piece.isCopied);
  const [first, ...more] = pieces.flatMap((piece, position) => filesOf(piece, position, target, engine));
  return {
    stage: isCopied ? 'copying' : 'encoding',
    inputs: pieces.map(({ index }) => ({ index, options: ['-copyts'] })),
    ...first!,
    more_outputs: more,
    frame_timing: isCopied ? 'passthrough' : 'constant',
    output_seconds: Math.max(...pieces.map(({ seconds }) => seconds)),
    cost: isCopied ? COPY_COST * pieces.length : 1,
  };
}

/** @param position of its input in the run. */
function filesOf(piece: MergePiece, position: number, target: MergeTarget, engine: EngineFacts) {
  const files: { output_options: string[]; output: string }[] = [];
  if (isPictureMade(piece)) {
    const picture = piece.isCopied ? copied(piece, position) : encoded(piece, position, target, engine);
    files.push({ output_options: [...picture, ...mp4(target)], output: pictureFile(piece) });
  }
  if (isSoundMade(piece))
    files.push({ output_options: soundOptions(piece, position), output: soundFile(piece) });
  return files;
}

const mp4 = ({ rate }: MergeTarget): string[] => [
  ...['-video_track_timescale', String(timescaleOf(rate)), '-f', 'mp4'],
];

/** From where the picture starts, which the sound keeps to as well. */
const rebased = ({ input: { video } }: MergePiece): string[] =>
  video.start_seconds === 0 ? [] : ['-output_ts_offset', (-video.start_seconds).toFixed(6)];

const copied = (piece: MergePiece, position: number): string[] => [
  ...['-map', `${position}:${piece.input.video.index}`, '-c:v', 'copy', ...rebased(piece)],
];

function encoded(piece: MergePiece, position: number, target: MergeTarget, engine: EngineFacts): string[] {
  const { copied: like, rate } = target;
  return [
    ...['-map', `${position}:${piece.input.video.index}`, '-filter:v', pictureFilters(piece, target, engine)],
    ...['-frames:v', String(piece.frames), ...(like ? matchingEncoder(like.video) : freeEncoder())],
    ...['-g', String(Math.ceil(KEYFRAME_SECONDS * perSecond(rate)))],
    ...(like ? tagsLike(like.video) : BT709),
    ...CHROMA,
  ];
}

const BT709 = [
  ...['-color_primaries', 'bt709', '-color_trc', 'bt709', '-colorspace', 'bt709', '-color_range', 'tv'],
];

/** Where x264 places colour unless told otherwise. All that is encoded has to have the same parameter sets. */
const CHROMA = ['-chroma_sample_location', 'left'];

function pictureFilters(
  { input: { video }, seconds }: MergePiece,
  { size, rate, background, copied: like }: MergeTarget,
  engine: EngineFacts,
): string {
  const inner = roundedDown(fittedSize(shownSize(video), { ...size, fit: 'inside', enlarge: true }));
  const colors = like
    ? sourceColors(like.video).replaceAll(':in_', ':out_')
    : ':out_color_matrix=bt709:out_range=tv';
  const scaled = `scale=${inner.width}:${inner.height}:${SCALING}`;
  const isWhole = inner.width === size.width && inner.height === size.height;
  return [
    'setpts=PTS-STARTPTS',
    `fps=${rateText(rate)}`,
    `tpad=stop_mode=clone:stop_duration=${heldSeconds(video, seconds).toFixed(6)}`,
    ...(isToneMapped(video, engine)
      ? [...toneMapping(video, inner), `scale=${SCALING}${colors}`]
      : [`${scaled}${sourceColors(video)}${colors}`]),
    'format=yuv420p',
    ...(isWhole
      ? []
      : [`pad=${size.width}:${size.height}:(ow-iw)/2:(oh-ih)/2:color=0x${background.slice(1)}`]),
    'setsar=1',
    ...(TURNED[like?.video.rotation_degrees ?? 0] ?? []),
  ].join(',');
}

/** Where nobody knows how long the picture lasts, its last frame stands until the sound ends. */
const heldSeconds = (video: VideoStreamProbe, seconds: number): number =>
  video.duration_seconds === null ? seconds : MOST_HELD_SECONDS;

/** Stored as the copied ones are, which players turn by so many degrees. */
const TURNED: Record<number, string[]> = {
  90: ['transpose=cclock'],
  180: ['hflip', 'vflip'],
  270: ['transpose=clock'],
};

function soundOptions(piece: MergePiece, position: number): string[] {
  const { input, sound } = piece;
  const { fate, slot, of } = sound!;
  const { audio } = input.probe;
  const end = ['-f', 'mp4'];
  if (fate === 'silence' || !audio)
    return [
      ...['-filter_complex', `${silence(of, slot)}[silence${position}]`, '-map', `[silence${position}]`],
      ...[...soundEncoderOptions(of), ...end],
    ];
  const from = ['-map', `${position}:${audio.index}`];
  if (fate === 'copied') return [...from, '-c:a', 'copy', ...rebased(piece), ...end];
  return [...from, '-filter:a', soundFilters(input, audio, of, slot), ...soundEncoderOptions(of), ...end];
}
