import { readFile } from 'node:fs/promises';
import type { ImageProbe } from '@mediakiln/contracts';
import { type ImageFile, openHeader } from './engine';
import { stripMetadata } from './strip-metadata';

/**
 * The input's own bytes; with `strips`, where they hold metadata that must not leave, the same picture without it.
 * @returns undefined when the metadata cannot be taken out.
 */
export async function originalPicture(
  image: ImageFile,
  format: ImageProbe['format'],
  strips: boolean,
): Promise<Buffer | undefined> {
  const bytes = Buffer.isBuffer(image) ? image : await readFile(image);
  return strips ? stripMetadata(bytes, format, await openHeader(bytes).metadata()) : bytes;
}
