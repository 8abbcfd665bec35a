import type { TextProbe, VideoProbe, VideoStreamProbe } from '@mediakiln/contracts';
import type { Size } from '../image/geometry';
import {
  type EngineFacts,
  type EngineRun,
  MP4_OUTPUT,
  type PlannedRendition,
  type PlannedText,
  type VideoPlan,
} from '../video-plan';
import { rateOf } from './ffprobe-json';
import { encodedPicture, encodedSize } from './picture';
import { startingAt } from './seek';
import { SCALING, isToneMapped, shownSize } from './shown';
import { encodedSound, pictureEnd, soundEnd } from './sound';
import { micro } from './timeline';
import { wholeTiming } from './timing';

interface HlsOrder {
  probe: VideoProbe;
  video: VideoStreamProbe;
  params: { renditions: number; short_side: number; segment_seconds: number; audio: boolean };
}

interface Rendition extends Size {
  name: string;
}

/** What each rendition has of the largest one's sides. */
const STEPS = [1, 2 / 3, 1 / 3];
/** Of the shorter side; smaller ones are left out. */
const LEAST_SIDE = 48;
const LADDER = 'ladder.mp4';
const SOUND = { codec: 'aac', bitRate: 128_000, maxChannels: 2, sampleRate: 48_000 } as const;
const RATES = { least: 5, most: 60 };
const PLAYLIST = { mime_type: 'application/vnd.apple.mpegurl', extension: 'm3u8', container: 'hls' } as const;
/** Copying what was encoded takes so much of the time. */
const COPYING_COST = 0.02;
const SAMPLES_OF_COLORS = 0.075;
const LEAST_BIT_RATE = 100_000;

/**
 * All renditions are encoded in one run, so that the source is decoded once and their keyframes cannot but agree; then
 * each is copied into a fragmented MP4 of its own, a fragment for each segment. Players read them by ranges of bytes.
 */
export function planHls(order: HlsOrder, engine: EngineFacts): VideoPlan {
  const { probe, video, params } = order;
  const audio = params.audio ? probe.audio : null;
  const rate = constantRate(video);
  const frames_per_second = rateOf(rate)!;
  const renditions = ladderOf(video, params);
  const timing = wholeTiming(order, null, rate);
  const picture_seconds = micro(pictureEnd(probe));
  const duration = micro(Math.max(picture_seconds, audio ? soundEnd(probe, audio) : 0));
  const group = Math.max(1, Math.round(params.segment_seconds * frames_per_second));
  const [largest] = renditions as [Rendition, ...Rendition[]];
  const picture = encodedPicture(video, largest, engine);
  const planned = renditions.map(({ name, width, height }) => ({
    ...{ playlist: `playlist-${name}.m3u8`, video: `video-${name}.mp4` },
    ...{ width, height, frames_per_second },
  }));
  const encode: EngineRun = {
    stage: 'encoding',
    inputs: [{ index: 0, options: startingAt(probe, null) }],
    output_options: [
      ...['-filter_complex', graph(video, [...timing.filters, ...picture.filters], renditions)],
      ...renditions.flatMap((_one, index) => ['-map', `[v${index}]`]),
      ...(audio ? ['-map', `0:${audio.index}`] : []),
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high', '-crf', '22', ...picture.options],
      ...['-g', String(group), '-keyint_min', String(group), '-sc_threshold', '0'],
      ...renditions.flatMap((one, index) => {
        const bits = Math.round(
          LEAST_BIT_RATE + SAMPLES_OF_COLORS * one.width * one.height * frames_per_second,
        );
        return [`-maxrate:v:${index}`, String(bits), `-bufsize:v:${index}`, String(bits)];
      }),
      ...(audio ? encodedSound(probe, audio, SOUND) : []),
      ...['-f', 'mp4'],
    ],
    frame_timing: timing.frame_timing,
    output: LADDER,
    output_seconds: duration,
  };
  return {
    runs: [
      encode,
      ...planned.map((one, index) => packaging(one, { index, hasSound: audio !== null, seconds: duration })),
    ],
    outputs: planned.map((one, index) => ({
      ...MP4_OUTPUT,
      variant: `video-${renditions[index]!.name}`,
      file: one.video,
      verify: {
        duration_seconds: duration,
        tolerance_seconds: timing.tolerance_seconds,
        size: { width: one.width, height: one.height },
      },
    })),
    texts: playlists(renditions, planned, picture_seconds),
    report: {
      renditions: renditions.map(({ name, width, height }) => ({ name, width, height })),
      frames_per_second,
      segment_seconds: micro(group / frames_per_second),
      audio: audio !== null,
      tone_mapped: isToneMapped(video, engine),
      dropped_streams: probe.dropped_streams,
    },
  };
}

/** Fragments begin at keyframes. `delay_moov`: the index comes when the edit lists are known that keep sound in step. */
const packaging = (
  { video }: PlannedRendition,
  { index, hasSound, seconds }: { index: number; hasSound: boolean; seconds: number },
): EngineRun => ({
  stage: 'packaging',
  inputs: [{ made: LADDER, options: [] }],
  output_options: [
    ...['-map', `0:v:${index}`, ...(hasSound ? ['-map', '0:a:0'] : []), '-c', 'copy'],
    ...['-movflags', '+frag_keyframe+delay_moov+default_base_moof', '-f', 'mp4'],
  ],
  frame_timing: 'passthrough',
  output: video,
  output_seconds: seconds,
  cost: COPYING_COST,
});

function playlists(
  renditions: readonly Rendition[],
  planned: readonly PlannedRendition[],
  duration_seconds: number,
): PlannedText[] {
  const facts = (one: Size, parts: string[]): TextProbe => ({
    ...{ kind: 'other', format: 'hls', parts },
    ...{ duration_seconds, width: one.width, height: one.height },
  });
  const names = renditions.map(({ name }) => name);
  return [
    {
      ...PLAYLIST,
      variant: 'master',
      file: 'master.m3u8',
      facts: facts(renditions[0]!, [
        ...names.map((name) => `playlist-${name}`),
        ...names.map((name) => `video-${name}`),
      ]),
      text: { renditions: planned },
    },
    ...planned.map((rendition, index) => ({
      ...PLAYLIST,
      variant: `playlist-${names[index]}`,
      file: rendition.playlist,
      facts: facts(rendition, [`video-${names[index]}`]),
      text: { rendition },
    })),
  ];
}

function ladderOf(video: VideoStreamProbe, { renditions, short_side }: HlsOrder['params']): Rendition[] {
  const shown = shownSize(video);
  const isUpright = shown.height > shown.width;
  const shortest = Math.min(short_side, shown.width, shown.height);
  const ladder = new Map<string, Rendition>();
  for (const step of STEPS.slice(0, renditions)) {
    const side = Math.round(shortest * step);
    if (step < 1 && side < LEAST_SIDE) continue;
    const box = isUpright ? { width: side } : { height: side };
    const size = encodedSize(video, { ...box, enlarge: false });
    const name = `${Math.min(size.width, size.height)}p`;
    ladder.set(name, { name, ...size });
  }
  return [...ladder.values()];
}

/** Where frames come as they please, segments of equal length need them to come evenly. */
function constantRate(video: VideoStreamProbe): string {
  const average = rateOf(video.average_frame_rate) ?? rateOf(video.base_frame_rate) ?? 25;
  if (average > RATES.most) return String(RATES.most);
  if (average < RATES.least) return String(RATES.least);
  return video.is_variable_frame_rate ? String(Math.round(average)) : video.average_frame_rate;
}

function graph(video: VideoStreamProbe, filters: string[], renditions: readonly Rendition[]): string {
  const all = renditions.map((_one, index) => `[s${index}]`).join('');
  const each = renditions.map(({ width, height }, index) =>
    index === 0 ? '[s0]null[v0]' : `[s${index}]scale=${width}:${height}:${SCALING},setsar=1[v${index}]`,
  );
  return [`[0:${video.index}]${[...filters, `split=${renditions.length}`].join(',')}${all}`, ...each].join(
    ';',
  );
}
