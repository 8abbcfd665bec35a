import type { Splice } from '../splice';
import { type EngineFacts, MP4_OUTPUT, type VideoPlan } from '../video-plan';
import { type MergePiece, isMade, pictureSource, piecesRun, soundSource } from './merge-piece';
import { perSecond, timescaleOf } from './merge-rate';
import type { MergeInput } from './merge-signature';
import {
  type MergeSound,
  SAMPLES_PER_PACKET,
  packetSeconds,
  slotOf,
  soundFate,
  soundOf,
} from './merge-sound';
import { type MergeOrder, type MergeTarget, encodedTarget, targetOf } from './merge-target';
import { micro } from './timeline';

const OUTPUT = 'output.mp4';
/** Inputs; each has two outputs, and a process may open 64 files. */
const MOST_IN_A_RUN = 10;
const DURATION_TOLERANCE_SECONDS = 0.05;

/**
 * Copies what has most in common, encodes the rest to go with it, and joins all of that. Where it does not join, no sound
 * is copied: an edit list can have it start in the middle of a packet, which its length and start do not tell. Where that
 * does not join either, no picture is.
 */
export function planMerge(inputs: readonly MergeInput[], order: MergeOrder, engine: EngineFacts): VideoPlan {
  const target = targetOf(inputs, order);
  const sound = soundOf(inputs);
  const plans = [piecesOf(inputs, target, sound)];
  if (plans[0]!.some((piece) => piece.sound?.fate === 'copied')) plans.push(plans[0]!.map(withEncodedSound));
  const planned = plans.map((pieces) => planFor(pieces, target, sound, engine));
  if (plans[0]!.some(({ isCopied }) => isCopied)) {
    const encoded = encodedTarget(inputs, order);
    const pieces = piecesOf(inputs, encoded, sound).map(withEncodedSound);
    planned.push(planFor(pieces, encoded, sound, engine));
  }
  return planned.reduceRight((otherwise, plan) => ({ ...plan, otherwise }));
}

function withEncodedSound(piece: MergePiece): MergePiece {
  const { sound } = piece;
  return sound?.fate === 'copied' ? { ...piece, sound: { ...sound, fate: 're-encoded' } } : piece;
}

function planFor(
  pieces: readonly MergePiece[],
  target: MergeTarget,
  sound: MergeSound | null,
  engine: EngineFacts,
): VideoPlan {
  const frames = pieces.reduce((sum, piece) => sum + piece.frames, 0);
  const seconds = frames / perSecond(target.rate);
  const packets = pieces.reduce((sum, piece) => sum + (piece.sound?.slot.packets ?? 0), 0);
  const starts = startsOf(pieces);
  return {
    runs: [
      ...groupsOfCopies(pieces).map((copies, at) => ({
        ...piecesRun(copies, target, engine),
        ...(at % 2 === 1 && { is_beside: true }),
      })),
      ...pieces.filter(({ isCopied }) => !isCopied).map((piece) => piecesRun([piece], target, engine)),
    ],
    splice: spliceOf(pieces, target, sound, { frames, seconds }),
    outputs: [
      {
        ...MP4_OUTPUT,
        file: OUTPUT,
        verify: {
          frames,
          duration_seconds: micro(seconds),
          tolerance_seconds: DURATION_TOLERANCE_SECONDS + 1 / perSecond(target.rate),
          size: target.size,
          pieces: {
            rotation_degrees: target.copied?.video.rotation_degrees ?? 0,
            frame_seconds: 1 / perSecond(target.rate),
            starts: starts.slice(1),
            changes: starts.filter(
              (_start, at) => at > 0 && pieces[at]!.isCopied !== pieces[at - 1]!.isCopied,
            ),
            sound: sound && packets > 0 ? { packets, packet_seconds: packetSeconds(sound) } : null,
          },
        },
      },
    ],
    report: reportOf(pieces, target, { frames, seconds }),
  };
}

function piecesOf(inputs: readonly MergeInput[], { rate, because }: MergeTarget, sound: MergeSound | null) {
  const fps = perSecond(rate);
  let frames = 0;
  return inputs.map((input, index): MergePiece => {
    const from = frames;
    const count = Math.max(1, Math.round(pictureSeconds(input) * fps));
    frames += count;
    const seconds = count / fps;
    const fate = soundFate(input, sound, seconds);
    const reasons = because[index]!;
    return {
      ...{ index, input, seconds, reasons },
      isCopied: reasons.length === 0,
      frames: count,
      sound:
        sound && fate !== 'none' ? { fate, slot: slotOf(sound, from / fps, frames / fps), of: sound } : null,
    };
  });
}

/** Sound that outlasts its picture is cut, in containers that tell it apart. */
function pictureSeconds({ probe, video }: MergeInput): number {
  return (
    video.duration_seconds ?? probe.duration_seconds - Math.max(0, video.start_seconds - probe.start_seconds)
  );
}

/** Copies keep one core busy at most: they go in two runs at a time, or more where those would open too many files. */
function groupsOfCopies(pieces: readonly MergePiece[]): MergePiece[][] {
  const copies = pieces.filter((piece) => piece.isCopied && isMade(piece));
  const groups = Math.max(Math.min(2, copies.length), Math.ceil(copies.length / MOST_IN_A_RUN));
  return Array.from({ length: groups }, (_group, at) =>
    copies.slice(Math.round((at * copies.length) / groups), Math.round(((at + 1) * copies.length) / groups)),
  );
}

/** Each piece starts when the one before has shown its last frame, whatever the files say. */
function spliceOf(
  pieces: readonly MergePiece[],
  { rate, copied }: MergeTarget,
  sound: MergeSound | null,
  { frames, seconds }: { frames: number; seconds: number },
): Splice {
  const timescale = timescaleOf(rate);
  const tickAt = (frame: number): number => Math.round((frame * timescale) / perSecond(rate));
  const starts = startsOf(pieces);
  const heard = pieces.filter((piece) => piece.sound !== null && piece.sound.slot.packets > 0);
  return {
    stage: 'joining',
    output: OUTPUT,
    output_seconds: seconds,
    picture: {
      pieces: pieces.map((piece, at) => ({
        ...pictureSource(piece),
        from_tick: null,
        frames: piece.frames,
        at_tick: tickAt(starts[at]!),
      })),
      timescale,
      end_tick: tickAt(frames),
      rotation_degrees: copied?.video.rotation_degrees ?? 0,
      sample_aspect_ratio: '1:1',
    },
    sound:
      sound && heard.length > 0
        ? {
            pieces: heard.map((piece) => ({ ...soundSource(piece), packets: piece.sound!.slot.packets })),
            sample_rate: sound.sample_rate,
            packet_samples: SAMPLES_PER_PACKET,
          }
        : null,
  };
}

function startsOf(pieces: readonly MergePiece[]): number[] {
  let frames = 0;
  return pieces.map((piece) => {
    const start = frames;
    frames += piece.frames;
    return start;
  });
}

function reportOf(
  pieces: readonly MergePiece[],
  { size, rate }: MergeTarget,
  { frames, seconds }: { frames: number; seconds: number },
): Record<string, unknown> {
  const starts = startsOf(pieces);
  const encoded = pieces.filter(({ isCopied }) => !isCopied).reduce((sum, piece) => sum + piece.frames, 0);
  const mode = encoded === 0 ? 'copy' : encoded === frames ? 'encode' : 'mixed';
  return {
    mode,
    ...size,
    frames,
    frames_per_second: micro(perSecond(rate)),
    duration_seconds: micro(seconds),
    share_reencoded: micro(encoded / frames),
    inputs: pieces.map(({ index, isCopied, reasons, frames: own, seconds: lasts, sound }) => ({
      input: index,
      picture: isCopied ? 'copied' : 're-encoded',
      because: reasons,
      sound: sound?.fate ?? 'none',
      start_seconds: micro(starts[index]! / perSecond(rate)),
      duration_seconds: micro(lasts),
      frames: own,
    })),
  };
}
