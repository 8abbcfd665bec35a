import type { AudioStreamProbe } from '@mediakiln/contracts';

const AAC_BITS_PER_CHANNEL = 96_000;
const MAX_AAC_CHANNELS = 6;
/** What players take in an MP4 besides, with packets short enough to end a cut on. */
const COPIED_CODECS = ['aac', 'mp3'];
const MIN_COPIED_RATE = 32_000;

/** `aresample` fills holes and a late start with silence, since AAC in MP4 has no other way to keep them. */
export function encodedSound(audio: AudioStreamProbe, from: number, to: number): string[] {
  const channels = Math.min(audio.channels || 2, MAX_AAC_CHANNELS);
  const isFolded = channels > 2 && (audio.channels !== channels || audio.channel_layout === null);
  const filters = [
    `atrim=start=${from.toFixed(6)}:end=${to.toFixed(6)}`,
    `asetpts=PTS-(${from.toFixed(6)})/TB`,
    'aresample=async=1:first_pts=0',
  ];
  return [
    ...['-filter:a', filters.join(','), '-c:a', 'aac', ...(isFolded ? ['-ac', '2'] : [])],
    ...['-b:a', String((isFolded ? 2 : channels) * AAC_BITS_PER_CHANNEL)],
  ];
}

export const isCopiedSound = ({ codec, sample_rate }: AudioStreamProbe): boolean =>
  COPIED_CODECS.includes(codec) && sample_rate >= MIN_COPIED_RATE;
