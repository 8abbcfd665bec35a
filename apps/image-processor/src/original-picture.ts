import { readFile } from 'node:fs/promises';
import type { ImageProbe } from '@mediakiln/contracts';
import { openHeader } from './engine';
import { stripMetadata } from './strip-metadata';

/**
 * The input's own bytes; with `strips`, where they hold metadata that must not leave, the same picture without it.
 * @returns undefined when the metadata cannot be taken out.
 */
export async function originalPicture(
  path: string,
  format: ImageProbe['format'],
  strips: boolean,
): Promise<Buffer | undefined> {
  const bytes = await readFile(path);
  return strips ? stripMetadata(bytes, format, await openHeader(bytes).metadata()) : bytes;
}
