/** At most so many bytes the index of an MP4 takes for one frame, and for one packet of sound. */
const BYTES = { frame: 48, packet: 32, fixed: 65_536 };
/** Up to this share of the file, room for the index is kept free instead of moving everything to make it. */
const SPARE_SHARE = 0.01;

/** What an MP4 that is not written yet will be about. */
export interface Mp4Facts {
  frames: number;
  /** Of sound. */
  packets: number;
  bytes: number;
}

/** Options with which the index stands first in the file, so that players can start before all of it is there. */
export function indexFirst({ frames, packets, bytes }: Mp4Facts): string[] {
  const index = BYTES.fixed + frames * BYTES.frame + packets * BYTES.packet;
  return index < bytes * SPARE_SHARE ? ['-moov_size', String(index)] : ['-movflags', '+faststart'];
}
