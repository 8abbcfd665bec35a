import type { AudioStreamProbe } from '@mediakiln/contracts';
import type { MergeInput } from './merge-signature';
import { MIN_COPIED_SAMPLE_RATE } from './sound';

/** The sound of all pieces: AAC-LC in packets of the same length, so that they can be put one behind the other. */
export interface MergeSound {
  sample_rate: number;
  channels: 1 | 2;
}

/** Where the sound of a piece lies among the packets of the whole. */
export interface SoundSlot {
  packets: number;
  samples: number;
}

export type SoundFate = 'copied' | 're-encoded' | 'silence' | 'none';

export const SAMPLES_PER_PACKET = 1024;
const DEFAULT_SAMPLE_RATE = 48_000;
const CD_SAMPLE_RATE = 44_100;
const BITS_PER_CHANNEL = 96_000;

export const packetSeconds = ({ sample_rate }: MergeSound): number => SAMPLES_PER_PACKET / sample_rate;

/** What the sound that could be copied has in common, by how long it lasts; null: no input has sound. */
export function soundOf(inputs: readonly MergeInput[]): MergeSound | null {
  const heard = inputs.flatMap(({ probe }) => probe.audio ?? []);
  if (heard.length === 0) return null;
  const seconds = new Map<string, { sound: MergeSound; seconds: number }>();
  for (const audio of heard.filter(isPlainAac)) {
    const sound = { sample_rate: audio.sample_rate, channels: audio.channels as 1 | 2 };
    const key = `${sound.sample_rate} ${sound.channels}`;
    const known = seconds.get(key)?.seconds ?? 0;
    seconds.set(key, { sound, seconds: known + (audio.duration_seconds ?? 0) });
  }
  const [longest] = [...seconds.values()].sort((one, other) => other.seconds - one.seconds);
  return longest?.sound ?? commonSound(heard);
}

function commonSound(heard: readonly AudioStreamProbe[]): MergeSound {
  const isCd = heard.every(({ sample_rate }) => sample_rate === CD_SAMPLE_RATE);
  return {
    sample_rate: isCd ? CD_SAMPLE_RATE : DEFAULT_SAMPLE_RATE,
    channels: heard.every(({ channels }) => channels === 1) ? 1 : 2,
  };
}

/** @param seconds how long the picture lasts, which the sound must last too. */
export function soundFate(
  { probe, video }: MergeInput,
  sound: MergeSound | null,
  seconds: number,
): Exclude<SoundFate, 'silence'> | 'silence' {
  const { audio } = probe;
  if (!sound) return 'none';
  if (!audio) return 'silence';
  const isSame = audio.sample_rate === sound.sample_rate && audio.channels === sound.channels;
  if (probe.container !== 'mov' || !isSame || !isPlainAac(audio) || audio.duration_seconds === null)
    return 're-encoded';
  const half = packetSeconds(sound) / 2;
  const start = audio.start_seconds - video.start_seconds;
  const isWhole = Math.abs(start) < half && start + audio.duration_seconds > seconds - half;
  return isWhole ? 'copied' : 're-encoded';
}

const isPlainAac = ({ codec, profile, sample_rate, channels }: AudioStreamProbe): boolean =>
  codec === 'aac' &&
  profile === 'LC' &&
  sample_rate >= MIN_COPIED_SAMPLE_RATE &&
  (channels === 1 || channels === 2);

/** Whole packets, rounded to the nearest over the whole video and not per piece: so nothing adds up. */
export function slotOf(sound: MergeSound, fromSeconds: number, toSeconds: number): SoundSlot {
  const packetAt = (seconds: number): number => Math.round(seconds / packetSeconds(sound));
  const packets = packetAt(toSeconds) - packetAt(fromSeconds);
  return { packets, samples: packets * SAMPLES_PER_PACKET };
}

/** Filters that make the sound of an input begin with its picture, and last as many samples as its slot. */
export function soundFilters(
  { video }: MergeInput,
  audio: AudioStreamProbe,
  sound: MergeSound,
  slot: SoundSlot,
) {
  const start = video.start_seconds.toFixed(6);
  return [
    `atrim=start=${start}`,
    `asetpts=PTS-(${start})/TB`,
    `aresample=${sound.sample_rate}:async=1:first_pts=0`,
    // Both loudspeakers play what one did, as players do it; a mix to stereo would be 3 dB below.
    ...(audio.channels === 1 && sound.channels === 2 ? ['pan=stereo|c0=c0|c1=c0'] : []),
    `aformat=channel_layouts=${layoutOf(sound)}`,
    `apad=whole_len=${slot.samples}`,
    `atrim=end_sample=${slot.samples}`,
  ].join(',');
}

export const silence = (sound: MergeSound, slot: SoundSlot): string =>
  `anullsrc=r=${sound.sample_rate}:cl=${layoutOf(sound)},atrim=end_sample=${slot.samples}`;

export const soundEncoderOptions = (sound: MergeSound): string[] => [
  ...['-c:a', 'aac', '-ar', String(sound.sample_rate), '-ac', String(sound.channels)],
  ...['-b:a', String(sound.channels * BITS_PER_CHANNEL)],
];

const layoutOf = ({ channels }: MergeSound): string => (channels === 1 ? 'mono' : 'stereo');
