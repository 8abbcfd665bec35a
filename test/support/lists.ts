import { Readable } from 'node:stream';
import type { CsvFormat } from '@mediakiln/contracts';
import { readCsv, readCsvAs } from '../../apps/gateway/src/batches/csv/csv.reader';
import { EncodingFinder } from '../../apps/gateway/src/batches/csv/encoding';
import type { CsvRow } from '../../apps/gateway/src/batches/csv/row';

export const HEADER = 'Serial Number,Product Name,Input Image Urls';
export const MAX_ROWS = 100;

export const collect = <T>(items: AsyncIterable<T>): Promise<T[]> =>
  Readable.from(items).toArray() as Promise<T[]>;

export function* pieces(bytes: Buffer, pieceBytes: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

export function encodingOf(bytes: Buffer): CsvFormat['encoding'] {
  const finder = new EncodingFinder();
  for (const piece of pieces(bytes, 7)) finder.see(piece);
  return finder.end();
}

/**
 * As the gateway reads a list, twice; in pieces of a few bytes, so that characters, quotes and line ends are cut
 * everywhere.
 */
export async function readList(
  list: string | Buffer,
  maxRows = MAX_ROWS,
): Promise<{ format: CsvFormat; rows: CsvRow[] }> {
  const bytes = Buffer.from(list as string);
  const { format, rows } = await readCsv(Readable.from(pieces(bytes, 7)), encodingOf(bytes), { maxRows });
  const first = await collect(rows);
  const again = await collect(readCsvAs(Readable.from(pieces(bytes, 1_000)), format));
  expect(again).toEqual(first);
  return { format, rows: first };
}
