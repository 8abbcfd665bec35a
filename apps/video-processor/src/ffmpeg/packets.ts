import type { FfmpegEngine } from './engine';
import { type ProbeTarget, ffprobe, fields } from './ffprobe';

/** A packet of a video of our own making, in the order of decoding. */
export interface OutputPacket {
  pts: number;
  dts: number;
  isKey: boolean;
  isHidden: boolean;
}

/** The packets of the picture, in seconds. */
export async function picturePackets(engine: FfmpegEngine, target: ProbeTarget): Promise<OutputPacket[]> {
  const packets: OutputPacket[] = [];
  const question = ['-select_streams', 'v:0', '-show_entries', 'packet=pts_time,dts_time,flags'];
  await ffprobe(engine, target, [...question, '-of', 'compact=p=0'], (line) => {
    const { pts_time, dts_time, flags } = fields(line);
    if (flags === undefined) return;
    packets.push({
      pts: Number(pts_time ?? Number.NaN),
      dts: Number(dts_time ?? Number.NaN),
      isKey: flags.includes('K'),
      isHidden: flags.includes('D'),
    });
  });
  return packets;
}
