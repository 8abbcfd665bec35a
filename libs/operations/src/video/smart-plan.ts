import type { AudioStreamProbe } from '@mediakiln/contracts';
import { type EngineRun, type ListEntry, MP4_OUTPUT, type RunInput, type VideoPlan } from '../video-plan';
import { type CopiedStretch } from './cut-stretch';
import { type CutOrder, type CutTimes, cutCheck, cutReport, cutTimes } from './cut-times';
import { type Mp4Facts, indexFirst } from './mp4-index';
import { startingAt } from './seek';
import { type Edge, encodedEdge, timescaleOf } from './smart-edges';
import { MIN_COPIED_SAMPLE_RATE, encodedSound, soundEnd } from './sound';
import { micro, tickSeconds, zeroOf } from './timeline';
import { CUT_OUTPUT, planEncodedCut } from './trim-plan';

const HEAD = 'head.mp4';
const MIDDLE = 'middle.mp4';
const TAIL = 'tail.mp4';
/** Of a second, where encoding one costs 1. */
const COPYING_COST = 0.01;
/** Copied sound starts so much before the picture, hidden by the edit list: a decoder needs a packet to get going. */
const SOUND_LEAD_SECONDS = 0.05;
const MOST_PACKETS_PER_SECOND = 100;
/** What players take in an MP4, with packets short enough to end a cut on. */
const COPIED_SOUND_CODECS = ['aac', 'mp3'];

/**
 * A cut whose middle is copied packet by packet: only the frames before its first and after its last keyframe are
 * encoded. ffmpeg reads the parts as one list, and the source's own index makes the middle a part without copying it
 * twice. What comes out is checked, and else the whole cut is encoded.
 */
export function planCopiedCut(order: CutOrder, stretch: CopiedStretch): VideoPlan {
  const times = cutTimes(order);
  const edges = edgesOf(order, stretch);
  const middle = middleOf(order, stretch);
  const encoded = stretch.head_frames + stretch.tail_frames;
  const before = [
    ...edges.map((edge) => encodedEdge(order.probe, order.video, order.span, edge)),
    ...middle.runs,
  ].map((run, index) => (index === 0 ? run : { ...run, is_beside: true }));
  return {
    runs: [...before, joiningRun(order, stretch, times, middle.entry)],
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
    first_tick: span.first_tick,
    last_tick: stretch.head_last_tick,
    end_tick: stretch.first_tick,
    keyframe_tick: span.keyframe_tick,
  };
  const tail: Edge = {
    output: TAIL,
    first_tick: stretch.end_tick,
    last_tick: span.last_tick,
    end_tick: span.end_tick,
    keyframe_tick: stretch.end_tick,
  };
  return [...(stretch.head_frames > 0 ? [head] : []), ...(stretch.tail_frames > 0 ? [tail] : [])];
}

/** The copied stretch as a part of the list: out of the source itself where ffmpeg can end it there, else by a copy. */
function middleOf(order: CutOrder, stretch: CopiedStretch): { entry: ListEntry; runs: EngineRun[] } {
  const { probe, video } = order;
  const tick = tickSeconds(video);
  const seconds = micro((stretch.end_tick - stretch.first_tick) * tick);
  const fromStart: ListEntry = {
    source: { index: 0 },
    seconds,
    from_seconds: notBefore(stretch.first_tick * tick),
  };
  const endSeconds = stretch.end_dts_tick === null ? null : stretch.end_dts_tick * tick;
  // The end of a part is compared with every stream's decoding time, and parts are matched stream by stream.
  if (
    probe.container === 'mov' &&
    video.index === 0 &&
    endSeconds !== null &&
    stretch.others_seconds < endSeconds
  )
    return { entry: { ...fromStart, to_seconds: endSeconds }, runs: [] };
  return {
    entry: { source: { made: MIDDLE }, seconds },
    runs: [
      {
        stage: 'copying',
        cost: COPYING_COST,
        inputs: [{ list: [fromStart], options: ['-copyts'] }],
        output_options: [
          ...['-map', `0:${video.index}`, '-c', 'copy', '-frames:v', String(stretch.frames)],
          ...['-video_track_timescale', timescaleOf(video), '-f', 'mp4'],
        ],
        frame_timing: 'passthrough',
        output: MIDDLE,
        output_seconds: seconds,
      },
    ],
  };
}

function joiningRun(order: CutOrder, stretch: CopiedStretch, times: CutTimes, middle: ListEntry): EngineRun {
  const { video, span } = order;
  const tick = tickSeconds(video);
  const list: ListEntry[] = [
    ...(stretch.head_frames > 0
      ? [{ source: { made: HEAD }, seconds: micro((stretch.first_tick - span.first_tick) * tick) }]
      : []),
    middle,
    ...(stretch.tail_frames > 0
      ? [{ source: { made: TAIL }, seconds: micro((span.end_tick - stretch.end_tick) * tick) }]
      : []),
  ];
  const sound = times.audio ? soundOf(order, times, times.audio) : { lead: 0, inputs: [], options: [] };
  return {
    stage: 'joining',
    cost: COPYING_COST,
    inputs: [{ list, options: ['-copyts', '-itsoffset', sound.lead.toFixed(6)] }, ...sound.inputs],
    output_options: [
      ...['-map', '0:0', '-c:v', 'copy', ...sound.options],
      ...[
        '-output_ts_offset',
        (0 - sound.lead).toFixed(6),
        '-t',
        (times.end - times.start + sound.lead).toFixed(6),
      ],
      // ffmpeg takes this one as counter-clockwise when it writes it.
      ...(video.rotation_degrees === 0 ? [] : ['-metadata:s:v:0', `rotate=${360 - video.rotation_degrees}`]),
      ...['-video_track_timescale', timescaleOf(video), ...indexFirst(factsOf(order, times)), '-f', 'mp4'],
    ],
    frame_timing: 'passthrough',
    output: CUT_OUTPUT,
    output_seconds: times.end - times.start,
  };
}

/** Packets of sound are no shorter than 10 ms in what we copy or encode. */
const factsOf = ({ probe, span }: CutOrder, { start, end, audio }: CutTimes): Mp4Facts => ({
  frames: span.frames,
  packets: audio ? Math.ceil((end - start) * MOST_PACKETS_PER_SECOND) : 0,
  bytes: ((probe.bit_rate ?? 0) / 8) * (end - start),
});

interface Sound {
  /** Both streams are moved on by so much while ffmpeg drops what lies before 0, and back as they are written. */
  lead: number;
  inputs: RunInput[];
  options: string[];
}

const isCopiedSound = ({ codec, sample_rate }: AudioStreamProbe): boolean =>
  COPIED_SOUND_CODECS.includes(codec) && sample_rate >= MIN_COPIED_SAMPLE_RATE;

function soundOf({ probe, cut }: CutOrder, { start }: CutTimes, audio: AudioStreamProbe): Sound {
  const from = start + zeroOf(probe);
  const map = ['-map', `1:${audio.index}`];
  if (!isCopiedSound(audio))
    return {
      lead: 0,
      inputs: [{ index: 0, options: startingAt(probe, from) }],
      options: [...map, ...encodedSound(probe, audio, { codec: 'aac', stretch: { start, end: cut.end } })],
    };
  const seek = Math.max(0, from - probe.start_seconds - SOUND_LEAD_SECONDS);
  const lead = from - probe.start_seconds - seek;
  return {
    lead,
    inputs: [
      {
        index: 0,
        options: [...(seek > 0 ? ['-ss', seek.toFixed(6)] : []), '-itsoffset', (lead - from).toFixed(6)],
      },
    ],
    options: [...map, '-c:a', 'copy', '-copypriorss:a', '0'],
  };
}

function joinedCheck(
  { probe, video, span, cut }: CutOrder,
  stretch: CopiedStretch,
  { start, audio }: CutTimes,
) {
  const tick = tickSeconds(video);
  const after = (ticks: number): number => micro((ticks - span.first_tick) * tick);
  return {
    frame_seconds: stretch.ticks.map(after),
    tick_seconds: tick,
    joins_seconds: [after(stretch.first_tick), after(stretch.end_tick)],
    sound_end_seconds: audio?.duration_seconds
      ? micro(Math.min(cut.end, soundEnd(probe, audio)) - start)
      : null,
    rotation_degrees: video.rotation_degrees,
    sample_aspect_ratio: video.sample_aspect_ratio,
  };
}

/** ffmpeg reads microseconds: rounded down, a keyframe's time would name the group before it. */
const notBefore = (seconds: number): number => Math.ceil(seconds * 1e6 - 1e-3) / 1e6;
