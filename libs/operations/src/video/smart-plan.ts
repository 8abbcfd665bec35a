import type { AudioStreamProbe } from '@mediakiln/contracts';
import type { PicturePiece, SoundStretch, Splice } from '../splice';
import { type EngineRun, MP4_OUTPUT, type VideoPlan } from '../video-plan';
import { type CopiedStretch } from './cut-stretch';
import { type CutOrder, type CutTimes, cutCheck, cutReport, cutTimes } from './cut-times';
import { startingAt } from './seek';
import { type Edge, encodedEdge, timescaleOf } from './smart-edges';
import { MIN_COPIED_SAMPLE_RATE, encodedSound, soundEnd } from './sound';
import { micro, tickSeconds, zeroOf } from './timeline';
import { CUT_OUTPUT, planEncodedCut } from './trim-plan';

const HEAD = 'head.mp4';
const MIDDLE = 'middle.mp4';
const TAIL = 'tail.mp4';
const SOUND = 'sound.mp4';
/** Of a second, where encoding one costs 1. */
const COPYING_COST = 0.01;
/** Copied sound starts so much before the picture, hidden by the edit list: a decoder needs a packet to get going. */
const SOUND_LEAD_SECONDS = 0.05;
/** What players take in an MP4, with packets short enough to end a cut on. */
const COPIED_SOUND_CODECS = ['aac', 'mp3'];

/**
 * A cut whose middle is copied packet by packet: only the frames before its first and after its last keyframe are
 * encoded. Where the source is an MP4, its packets are taken right out of it. What comes out is checked, and else the whole
 * cut is encoded.
 */
export function planCopiedCut(order: CutOrder, stretch: CopiedStretch): VideoPlan {
  const times = cutTimes(order);
  const edges = edgesOf(order, stretch);
  const middle = middleOf(order, stretch);
  const sound = times.audio ? soundOf(order, stretch, times, times.audio) : null;
  const encoded = stretch.head_frames + stretch.tail_frames;
  const runs = [
    ...edges.map((edge) => encodedEdge(order.probe, order.video, order.span, edge)),
    ...middle.runs,
    ...(sound?.runs ?? []),
  ].map((run, index) => (index === 0 ? run : { ...run, is_beside: true }));
  return {
    runs,
    splice: spliceOf(order, stretch, times, [middle.piece, sound?.stretch ?? null]),
    outputs: [
      {
        ...MP4_OUTPUT,
        file: CUT_OUTPUT,
        verify: { ...cutCheck(order, times), joined: joinedCheck(order, stretch, times) },
      },
    ],
    report: cutReport(order, times, {
      mode: encoded === 0 ? 'copy' : 'smart',
      share_reencoded: Number((encoded / order.span.frames).toFixed(4)),
    }),
    otherwise: planEncodedCut(order, 'The copied cut did not pass its checks'),
  };
}

function edgesOf({ span }: CutOrder, stretch: CopiedStretch): Edge[] {
  const head: Edge = {
    output: HEAD,
    frames: stretch.head_frames,
    first_tick: span.first_tick,
    last_tick: stretch.head_last_tick,
    end_tick: stretch.first_tick,
    keyframe_tick: span.keyframe_tick,
  };
  const tail: Edge = {
    output: TAIL,
    frames: stretch.tail_frames,
    first_tick: stretch.end_tick,
    last_tick: span.last_tick,
    end_tick: span.end_tick,
    keyframe_tick: stretch.end_tick,
  };
  return [...(stretch.head_frames > 0 ? [head] : []), ...(stretch.tail_frames > 0 ? [tail] : [])];
}

type Middle = Pick<PicturePiece, 'source' | 'stream' | 'from_tick'>;

/** The copied stretch: out of the source itself where its index tells where it is, else by a copy. */
function middleOf({ video }: CutOrder, stretch: CopiedStretch): { piece: Middle; runs: EngineRun[] } {
  if (stretch.is_indexed)
    return { piece: { source: { index: 0 }, stream: video.index, from_tick: stretch.first_tick }, runs: [] };
  const tick = tickSeconds(video);
  const seconds = micro((stretch.end_tick - stretch.first_tick) * tick);
  const fromSeconds = notBefore(stretch.first_tick * tick);
  const run: EngineRun = {
    stage: 'copying',
    cost: COPYING_COST,
    inputs: [{ list: [{ source: { index: 0 }, seconds, from_seconds: fromSeconds }], options: ['-copyts'] }],
    output_options: [
      ...['-map', `0:${video.index}`, '-c', 'copy', '-frames:v', String(stretch.frames)],
      ...['-video_track_timescale', timescaleOf(video), '-f', 'mp4'],
    ],
    frame_timing: 'passthrough',
    output: MIDDLE,
    output_seconds: seconds,
  };
  return { piece: { source: { made: MIDDLE }, stream: null, from_tick: null }, runs: [run] };
}

function spliceOf(
  { video, span }: CutOrder,
  stretch: CopiedStretch,
  times: CutTimes,
  [middle, sound]: [Middle, SoundStretch | null],
): Splice {
  const at = (tick: number): number => tick - span.first_tick;
  const edge = (file: string, frames: number, tick: number): PicturePiece[] =>
    frames > 0 ? [{ source: { made: file }, stream: null, from_tick: null, frames, at_tick: at(tick) }] : [];
  return {
    stage: 'joining',
    output: CUT_OUTPUT,
    output_seconds: times.end - times.start,
    picture: {
      pieces: [
        ...edge(HEAD, stretch.head_frames, span.first_tick),
        { ...middle, frames: stretch.frames, at_tick: at(stretch.first_tick) },
        ...edge(TAIL, stretch.tail_frames, stretch.end_tick),
      ],
      timescale: Number(timescaleOf(video)),
      end_tick: Math.max(
        at(span.last_tick) + 1,
        Math.round((times.picture_end - times.start) / tickSeconds(video)),
      ),
      rotation_degrees: video.rotation_degrees,
      sample_aspect_ratio: video.sample_aspect_ratio,
    },
    sound: sound && { stretch: sound },
  };
}

const isCopiedSound = ({ codec, sample_rate }: AudioStreamProbe): boolean =>
  COPIED_SOUND_CODECS.includes(codec) && sample_rate >= MIN_COPIED_SAMPLE_RATE;

/**
 * Out of the source itself where that is an MP4 of AAC, else out of a file that is made of it; until the last frame gives
 * way, which at a low frame rate is long after the end that was asked for.
 */
function soundOf(
  { probe }: CutOrder,
  stretch: CopiedStretch,
  { start, end }: CutTimes,
  audio: AudioStreamProbe,
): { stretch: SoundStretch; runs: EngineRun[] } {
  const from = start + zeroOf(probe);
  const seconds = end - start;
  const piece = { seconds, lead_seconds: SOUND_LEAD_SECONDS };
  if (isCopiedSound(audio) && audio.codec === 'aac' && stretch.is_indexed)
    return {
      stretch: { ...piece, source: { index: 0 }, stream: audio.index, from_seconds: micro(from) },
      runs: [],
    };
  const made = { source: { made: SOUND }, stream: null };
  const run = (options: string[], output_options: string[]): EngineRun => ({
    stage: 'copying',
    cost: COPYING_COST,
    inputs: [{ index: 0, options }],
    output_options: ['-map', `0:${audio.index}`, ...output_options, '-f', 'mp4'],
    frame_timing: 'passthrough',
    output: SOUND,
    output_seconds: seconds,
  });
  if (!isCopiedSound(audio)) {
    const encoded = encodedSound(probe, audio, { codec: 'aac', stretch: { start, end } });
    return { stretch: { ...piece, ...made, from_seconds: 0 }, runs: [run(startingAt(probe, from), encoded)] };
  }
  const seek = Math.max(0, from - probe.start_seconds - SOUND_LEAD_SECONDS);
  const lead = from - probe.start_seconds - seek;
  const copied = ['-c:a', 'copy', '-copypriorss:a', '0', '-t', (seconds + lead).toFixed(6)];
  return {
    stretch: { ...piece, ...made, from_seconds: micro(lead) },
    runs: [run(seek > 0 ? ['-ss', seek.toFixed(6)] : [], copied)],
  };
}

function joinedCheck(
  { probe, video, span }: CutOrder,
  stretch: CopiedStretch,
  { start, end, audio }: CutTimes,
) {
  const tick = tickSeconds(video);
  const after = (ticks: number): number => micro((ticks - span.first_tick) * tick);
  return {
    frame_seconds: stretch.ticks.map(after),
    tick_seconds: tick,
    joins_seconds: [after(stretch.first_tick), after(stretch.end_tick)],
    sound_end_seconds: audio?.duration_seconds ? micro(Math.min(end, soundEnd(probe, audio)) - start) : null,
    rotation_degrees: video.rotation_degrees,
    sample_aspect_ratio: video.sample_aspect_ratio,
  };
}

/** ffmpeg reads microseconds: rounded down, a keyframe's time would name the group before it. */
const notBefore = (seconds: number): number => Math.ceil(seconds * 1e6 - 1e-3) / 1e6;
