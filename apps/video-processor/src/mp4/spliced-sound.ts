import type { SoundPackets, SoundStretch } from '@mediakiln/operations';
import { BrokenMp4 } from './boxes';
import type { Track } from './movie';
import { shownBy } from './shown';
import type { MadeTrack } from './made-track';
import type { PieceOf } from './spliced-picture';

/** So far from its place, in shares of a packet, sound may be moved. */
const OFF_GRID = 0.3;

type MadeSound = Omit<MadeTrack, 'entry'>;

/**
 * One stretch, exact to the sample: an edit list hides what of its first packet is too early, and the packets before that
 * a decoder needs to get going.
 * @throws BrokenMp4 where there is no sound in it
 */
export function stretchedSound({ piece, track, file }: PieceOf<SoundStretch>): MadeSound {
  const { samples, timescale } = track;
  const shownOf = shownBy(track);
  const from = Math.round(piece.from_seconds * timescale);
  const to = from + Math.round(piece.seconds * timescale);
  const lead = from - piece.lead_seconds * timescale;
  const indices: number[] = [];
  for (let index = 0; index < samples.count; index++) {
    const { pts } = shownOf(index);
    if (pts + samples.durations[index]! > lead && pts < to) indices.push(index);
  }
  const [first, last] = [indices[0], indices.at(-1)];
  if (first === undefined || last === undefined) throw new BrokenMp4('it has no sound there');
  const start = shownOf(first).pts;
  const dts = Float64Array.from(indices, (index) => shownOf(index).pts - start);
  const end = Math.min(to, shownOf(last).pts + samples.durations[last]!);
  return {
    ...placed([{ indices, track, file }]),
    timescale,
    dts,
    durations: dts.map((tick, at) => (dts[at + 1] ?? tick + samples.durations[last]!) - tick),
    edit: {
      delay: Math.max(0, start - from),
      from: Math.max(0, from - start),
      duration: end - Math.max(start, from),
    },
  };
}

/** Whole packets of pieces, one behind the other. @throws BrokenMp4 where a piece has too few, or holes between them */
export function packedSound(
  pieces: readonly PieceOf<SoundPackets>[],
  { sample_rate, packet_samples }: { sample_rate: number; packet_samples: number },
): MadeSound {
  const taken = pieces.map(({ piece, track, file }) => ({
    indices: packetsOf(track, piece, packet_samples / sample_rate),
    track,
    file,
  }));
  const count = taken.reduce((sum, { indices }) => sum + indices.length, 0);
  return {
    ...placed(taken),
    timescale: sample_rate,
    dts: Float64Array.from({ length: count }, (_, at) => at * packet_samples),
    durations: new Float64Array(count).fill(packet_samples),
    edit: { delay: 0, from: 0, duration: count * packet_samples },
  };
}

function packetsOf(track: Track, { from_seconds, packets }: SoundPackets, packetSeconds: number): number[] {
  const shownOf = shownBy(track);
  const { count } = track.samples;
  const offGrid = (index: number, packet: number): number =>
    Math.abs(shownOf(index).pts / track.timescale - from_seconds - packet * packetSeconds) / packetSeconds;
  let from = 0;
  while (from < count && !(offGrid(from, 0) <= 0.5)) from++;
  if (from + packets > count)
    throw new BrokenMp4(`it has ${count - from} of ${packets} packets of sound that are to be copied`);
  const indices = Array.from({ length: packets }, (_, packet) => from + packet);
  if (indices.some((index, packet) => !(offGrid(index, packet) <= OFF_GRID)))
    throw new BrokenMp4('its packets of sound are not where they are to be copied from');
  return indices;
}

function placed(pieces: readonly { indices: readonly number[]; track: Track; file: number }[]) {
  return {
    handler: 'soun' as const,
    files: Uint16Array.from(pieces.flatMap(({ indices, file }) => indices.map(() => file))),
    offsets: of(pieces, 'offsets'),
    sizes: of(pieces, 'sizes'),
    shownAfter: null,
    isSync: null,
  };
}

const of = (
  pieces: readonly { indices: readonly number[]; track: Track }[],
  what: 'offsets' | 'sizes',
): Float64Array =>
  Float64Array.from(
    pieces.flatMap(({ indices, track }) => indices.map((index) => track.samples[what][index]!)),
  );
