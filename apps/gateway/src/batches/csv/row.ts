import type { CsvFormat, RowError } from '@mediakiln/contracts';
import { addressError, addressesOf } from './addresses';
import { quoted, shown } from './list.errors';

export const MAX_URLS_PER_ROW = 50;

export interface CsvRow {
  /** From 1, the header and blank rows aside. */
  row: number;
  /** One per column of the header, in its order. */
  cells: string[];
  serial_number: string | null;
  product_name: string | null;
  /** Every address of the row as it stands there, good or bad; its position is the index + 1. */
  urls: string[];
  /** Of a result that comes back: what became of this row's image; else null. */
  status: string | null;
  errors: RowError[];
  /** Index in `urls` of those that are wrong, with the one of `errors` that says why. */
  badUrls: ReadonlyMap<number, RowError>;
}

/** What is to be run of a row: nothing of one that came back completed or is wrong as a whole. */
export function imagesOf(row: CsvRow): { position: number; url: string }[] {
  if (row.errors.length > row.badUrls.size) return [];
  return isDone(row)
    ? []
    : row.urls.flatMap((url, index) => (row.badUrls.has(index) ? [] : [{ position: index + 1, url }]));
}

export function rowOf(record: readonly string[], row: number, format: CsvFormat): CsvRow {
  const { columns, header } = format;
  const { cells, tooMany } = fitted(record, format);
  const at = (column: number | null): string | null =>
    column === null ? null : cells[column]!.trim() || null;
  const read: CsvRow = {
    row,
    cells,
    serial_number: at(columns.serial_number),
    product_name: at(columns.product_name),
    urls: addressesOf(cells[columns.urls]!),
    status: at(columns.status)?.toLowerCase() ?? null,
    errors: [],
    badUrls: new Map(),
  };
  // What is done is not run, so nothing in it can be wrong.
  if (isDone(read)) return read;
  const place = { row, column: header[columns.urls]! };
  if (tooMany) return { ...read, errors: [tooManyCells(record, row, format)] };
  if (read.urls.length === 0)
    return {
      ...read,
      errors: [
        {
          ...place,
          code: 'csv_row_without_url',
          value: shown(cells[columns.urls]!),
          detail: `Row ${row} has nothing in the column ${quoted(place.column)}: write an address there, or remove the row`,
        },
      ],
    };
  if (read.urls.length > MAX_URLS_PER_ROW)
    return {
      ...read,
      errors: [
        {
          ...place,
          code: 'csv_too_many_urls',
          value: shown(cells[columns.urls]!),
          detail: `Row ${row} has ${read.urls.length} addresses, and may have ${MAX_URLS_PER_ROW}: divide it into several rows`,
        },
      ],
    };
  const badUrls = new Map<number, RowError>();
  for (const [index, url] of read.urls.entries()) {
    const error = addressError(url, place);
    if (error) badUrls.set(index, error);
  }
  return { ...read, badUrls, errors: [...badUrls.values()] };
}

const isDone = (row: CsvRow): boolean => row.status === 'completed';

/**
 * The record with as many cells as the header. More of them come from a cell with commas that nobody quoted, and where
 * the addresses are the last column, it is theirs.
 */
function fitted(
  record: readonly string[],
  { header, columns, delimiter }: CsvFormat,
): { cells: string[]; tooMany: boolean } {
  const width = header.length;
  const cells = [...record];
  while (cells.length > width && cells.at(-1)!.trim() === '') cells.pop();
  while (cells.length < width) cells.push('');
  if (cells.length === width) return { cells, tooMany: false };
  if (columns.urls !== width - 1) return { cells: cells.slice(0, width), tooMany: true };
  const [first = '', ...rest] = cells.slice(width - 1);
  const joined = rest.reduce(
    // Beginning with another address, it is none of the commas inside one.
    (cell, part) => `${cell}${/^\s*https?:\/\//i.test(part) ? '\n' : delimiter}${part}`,
    first,
  );
  return { cells: [...cells.slice(0, width - 1), joined], tooMany: false };
}

function tooManyCells(record: readonly string[], row: number, { header, delimiter }: CsvFormat): RowError {
  return {
    row,
    column: null,
    code: 'csv_row_too_long',
    value: shown(record.join(delimiter)),
    detail: `Row ${row} has ${record.length} cells, and the header ${header.length}: put quotes around a cell that has a ${JSON.stringify(delimiter)} in it`,
  };
}
