import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { samplePhoto } from '../../apps/embedded/src/demo/sample-photo';

/** As a shop takes them: four megapixels of about 670 KB. */
const SIZE = { width: 2304, height: 1728 };
const CHANNELS = 3;
const QUALITY = 86;
/** To paint one takes seconds; the others are one of these, moved up by some rows. */
const MOTIFS = 8;
/** No multiple of the 16 rows that are compressed together: nothing of one photo is stored as in another. */
const ROWS_BETWEEN = 37;

/** Writes `0.jpg`, `1.jpg` …, no two of the same pixels. @returns their bytes together. */
export async function writePhotos(folder: string, count: number): Promise<number> {
  const motifs: Buffer[] = [];
  let bytes = 0;
  for (let index = 0; index < count; index += 1) {
    const motif = (motifs[index % MOTIFS] ??= await pixelsOf(index % MOTIFS));
    const photo = await jpegOf(movedUp(motif, Math.floor(index / MOTIFS) * ROWS_BETWEEN));
    writeFileSync(join(folder, `${index}.jpg`), photo);
    bytes += photo.length;
  }
  return bytes;
}

async function pixelsOf(motif: number): Promise<Buffer> {
  const painted = await samplePhoto({ ...SIZE, quality: 100, orientation: 1, seed: motif + 1 });
  return sharp(painted, { ignoreIcc: true }).raw().toBuffer();
}

/** What leaves at the top comes back at the bottom. */
function movedUp(pixels: Buffer, rows: number): Buffer {
  const at = (rows % SIZE.height) * SIZE.width * CHANNELS;
  return Buffer.concat([pixels.subarray(at), pixels.subarray(0, at)]);
}

const jpegOf = (pixels: Buffer): Promise<Buffer> =>
  sharp(pixels, { raw: { ...SIZE, channels: CHANNELS } })
    .jpeg({ quality: QUALITY })
    .withIccProfile('p3')
    .toBuffer();
