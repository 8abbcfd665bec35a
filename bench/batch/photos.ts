import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { samplePhoto } from '../../apps/embedded/src/demo/sample-photo';

/** As a shop takes them: four megapixels of about 670 KB. */
const SIZE = { width: 2304, height: 1728 };
const QUALITY = 84;
/** To paint one takes seconds; the others differ from one of these by a comment, so that no two files are the same. */
const MOTIFS = 8;
const COMMENT_MARKER = 0xfffe;
/** After the marker that begins every JPEG. */
const START_BYTES = 2;

/** Writes `0.jpg`, `1.jpg` … @returns their bytes together. */
export async function writePhotos(folder: string, count: number): Promise<number> {
  const motifs: Buffer[] = [];
  let bytes = 0;
  for (let index = 0; index < count; index += 1) {
    const motif = (motifs[index % MOTIFS] ??= await samplePhoto({
      ...SIZE,
      quality: QUALITY,
      orientation: 1,
      seed: index + 1,
    }));
    const photo = withComment(motif, `photo ${index}`);
    writeFileSync(join(folder, `${index}.jpg`), photo);
    bytes += photo.length;
  }
  return bytes;
}

function withComment(jpeg: Buffer, text: string): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(COMMENT_MARKER, 0);
  head.writeUInt16BE(2 + text.length, 2);
  return Buffer.concat([jpeg.subarray(0, START_BYTES), head, Buffer.from(text), jpeg.subarray(START_BYTES)]);
}
