import type { Movie } from '../mp4/movie';
import { packetsOf } from '../mp4/shown';
import type { FfmpegEngine } from './engine';
import { type ProbeTarget, ffprobe, fields } from './ffprobe';

/** A packet of a video of our own making. */
export interface OutputPacket {
  /** In seconds. */
  pts: number;
  dts: number;
  isKey: boolean;
  isHidden: boolean;
}

/** In the order of decoding. */
export interface OutputPackets {
  picture: OutputPacket[];
  sound: OutputPacket[];
}

/**
 * @param movie the index of the file where that says all, else null: by a pass over it.
 * @param wantsSound of hours there are a million packets: they are listed only for who looks at them.
 */
export async function outputPackets(
  engine: FfmpegEngine,
  target: ProbeTarget,
  { movie, wantsSound }: { movie: Movie | null; wantsSound: boolean },
): Promise<OutputPackets> {
  if (movie) {
    const of = (wanted: string): OutputPacket[] =>
      movie.tracks.filter(({ handler }) => handler === wanted).flatMap(packetsOf);
    return { picture: of('vide'), sound: wantsSound ? of('soun') : [] };
  }
  const packets: OutputPackets = { picture: [], sound: [] };
  const question = [
    ...(wantsSound ? [] : ['-select_streams', 'v:0']),
    ...['-show_entries', 'packet=codec_type,pts_time,dts_time,flags', '-of', 'compact=p=0'],
  ];
  await ffprobe(engine, target, question, (line) => {
    const { codec_type: type, pts_time, dts_time, flags } = fields(line);
    if (flags === undefined || (type !== 'video' && type !== 'audio')) return;
    packets[type === 'video' ? 'picture' : 'sound'].push({
      pts: Number(pts_time ?? Number.NaN),
      dts: Number(dts_time ?? Number.NaN),
      isKey: flags.includes('K'),
      isHidden: flags.includes('D'),
    });
  });
  return packets;
}
