import { readFile, writeFile } from 'node:fs/promises';

/** 16.16 fixed point, and 2.30 for the last column: a, b, u, c, d, v, x, y, w of ISO/IEC 14496-12, 6.2.2. */
const ONE = 0x00010000;
const W = 0x40000000;
const MATRICES = {
  90: [0, ONE, 0, -ONE, 0, 0, 0, 0, W],
  180: [-ONE, 0, 0, 0, -ONE, 0, 0, 0, W],
  270: [0, -ONE, 0, ONE, 0, 0, 0, 0, W],
};
/** In a version 0 track header the matrix follows 4 bytes of type and 40 bytes of fields. */
const MATRIX_OFFSET = 44;

/** Writes a display matrix into the first track header of an MP4, as phones do; every version of ffmpeg reads it. */
export async function turnClip(path: string, degrees: keyof typeof MATRICES): Promise<void> {
  const bytes = await readFile(path);
  const header = bytes.indexOf('tkhd');
  if (header < 0 || bytes[header + 4] !== 0) throw new Error(`${path} has no track header of version 0`);
  MATRICES[degrees].forEach((value, index) => bytes.writeInt32BE(value, header + MATRIX_OFFSET + 4 * index));
  await writeFile(path, bytes);
}
