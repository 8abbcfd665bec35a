import type { VideoStreamProbe } from '@mediakiln/contracts';
import type { FrameSpan, PicturePacket, TickRange } from '@mediakiln/operations';
import type { ProbeTarget } from './ffmpeg/ffprobe';
import { spanOf } from './ffmpeg/frames';
import { BrokenMp4 } from './mp4/boxes';
import { firstIdr } from './mp4/idr-samples';
import { type Track, readMovie } from './mp4/movie';
import { shownBy } from './mp4/shown';

/**
 * The frames of a stretch, and where it can be copied, by the index of an MP4: in a hundredth of the time that ffprobe
 * takes to list the packets.
 * @returns null where the index does not say all, or may mean another picture than the probe.
 */
export async function findIndexedFrames(
  { path, signal }: Pick<ProbeTarget, 'path' | 'signal'>,
  video: VideoStreamProbe,
  range: TickRange,
): Promise<FrameSpan | null> {
  if (video.field_order === undefined) return null;
  const movie = await readMovie(path);
  const track = movie?.tracks.find(({ handler, index }) => handler === 'vide' && index === video.index);
  if (!track || video.time_base !== `1/${track.timescale}`) return null;
  const packets = packetsOf(track);
  const shown = packets.filter(({ is_hidden }) => !is_hidden).map(({ tick }) => tick);
  // Where an edit list does not start on a frame, ffmpeg counts from the next one: it has to cut by the same clock.
  const start = shown.reduce((first, tick) => Math.min(first, tick), Number.POSITIVE_INFINITY);
  if (start !== Math.round(video.start_seconds * track.timescale)) return null;
  const span = spanOf(
    { shown, keys: keysOf(track, packets), latest: latestOf(track, packets) },
    range,
    video,
  );
  const idr_ticks = await idrTicks({ path, signal }, track, packets, span);
  if (idr_ticks === null) return null;
  return { ...span, packets: { packets, idr_ticks, field_order: video.field_order, is_indexed: true } };
}

function packetsOf(track: Track): PicturePacket[] {
  const shownOf = shownBy(track);
  return Array.from({ length: track.samples.count }, (_, index) => {
    const { pts, isHidden } = shownOf(index);
    // What is cut out of the file gets decoding times of its own.
    return { tick: pts, dts_tick: null, is_hidden: isHidden };
  });
}

const keysOf = ({ samples }: Track, packets: readonly PicturePacket[]): number[] =>
  packets.filter((_packet, index) => samples.isSync[index] === 1).map(({ tick }) => tick);

function latestOf({ samples }: Track, packets: readonly PicturePacket[]) {
  let latest = { tick: Number.NEGATIVE_INFINITY, duration: 0 };
  packets.forEach(({ tick, is_hidden }, index) => {
    if (!is_hidden && tick > latest.tick) latest = { tick, duration: samples.durations[index]! };
  });
  return latest;
}

/** Those at which a copy may start or end: the first and the last one inside, and the one right behind. */
async function idrTicks(
  { path, signal }: Pick<ProbeTarget, 'path' | 'signal'>,
  track: Track,
  packets: readonly PicturePacket[],
  { first_tick, last_tick, end_tick }: FrameSpan,
): Promise<number[] | null> {
  const joins = [...packets.keys()].filter(
    (index) => track.samples.isSync[index] === 1 && !packets[index]!.is_hidden,
  );
  const inside = joins.filter(
    (index) => packets[index]!.tick >= first_tick && packets[index]!.tick <= last_tick,
  );
  const behind = joins.filter((index) => packets[index]!.tick === end_tick);
  try {
    const found = [
      await firstIdr(path, track, inside, signal),
      await firstIdr(path, track, [...inside].reverse(), signal),
      await firstIdr(path, track, behind, signal),
    ];
    return [...new Set(found.flatMap((index) => (index === null ? [] : packets[index]!.tick)))];
  } catch (error) {
    if (error instanceof BrokenMp4 || error instanceof RangeError) return null;
    throw error;
  }
}
