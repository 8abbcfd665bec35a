import type { AudioStreamProbe, VideoProbe } from '@mediakiln/contracts';
import { zeroOf } from './timeline';

/** The encoder for each codec, and what it does with one channel. */
const CODECS = {
  aac: { encoder: 'aac', bitsPerChannel: 96_000, maxChannels: 6 },
  opus: { encoder: 'libopus', bitsPerChannel: 64_000, maxChannels: 2 },
  mp3: { encoder: 'libmp3lame', bitsPerChannel: 96_000, maxChannels: 2 },
  pcm_s16le: { encoder: 'pcm_s16le', bitsPerChannel: null, maxChannels: 8 },
} as const;

/** In Hz. A packet of slower sound lasts long, and what is copied ends only between two of them. */
export const MIN_COPIED_SAMPLE_RATE = 32_000;

export type SoundCodec = keyof typeof CODECS;

export const soundEncoder = (codec: SoundCodec): string => CODECS[codec].encoder;

interface SoundOrder {
  codec: SoundCodec;
  /** Bits per second. Default: by the channels. */
  bitRate?: number;
  maxChannels?: number;
  sampleRate?: number;
  /** In seconds as players show them. Default: all of it. */
  stretch?: { start: number; end: number };
}

/**
 * Options that encode a stream of sound, from where players start the file unless a stretch of it is asked for.
 * `aresample` fills holes and a late start with silence, so that it stays beside its picture.
 */
export function encodedSound(probe: VideoProbe, audio: AudioStreamProbe, order: SoundOrder): string[] {
  const { encoder, bitsPerChannel, maxChannels } = CODECS[order.codec];
  const { stretch } = order;
  const from = (zeroOf(probe) + (stretch?.start ?? 0)).toFixed(6);
  const to = stretch === undefined ? '' : `:end=${(zeroOf(probe) + stretch.end).toFixed(6)}`;
  const most = Math.min(maxChannels, order.maxChannels ?? maxChannels);
  const given = audio.channels || 2;
  const channels = Math.min(given, most);
  const isFolded = given > 2 && (given !== channels || audio.channel_layout === null);
  const count = isFolded ? Math.min(2, most) : channels;
  const bitRate = order.bitRate ?? (bitsPerChannel === null ? null : count * bitsPerChannel);
  return [
    ...['-filter:a', `atrim=start=${from}${to},asetpts=PTS-(${from})/TB,aresample=async=1:first_pts=0`],
    ...['-c:a', encoder, ...(isFolded ? ['-ac', String(count)] : [])],
    ...(order.sampleRate === undefined ? [] : ['-ar', String(order.sampleRate)]),
    ...(bitRate === null ? [] : ['-b:a', String(bitRate)]),
  ];
}

/** When the sound ends, in seconds as players show them. */
export const soundEnd = (probe: VideoProbe, audio: AudioStreamProbe): number =>
  audio.duration_seconds === null
    ? probe.duration_seconds
    : audio.start_seconds + audio.duration_seconds - zeroOf(probe);

/** When the picture ends, as far as the file says, in seconds as players show them. */
export const pictureEnd = (probe: VideoProbe): number =>
  probe.video?.duration_seconds == null
    ? probe.duration_seconds
    : probe.video.start_seconds + probe.video.duration_seconds - zeroOf(probe);
