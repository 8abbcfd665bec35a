import type { Readable } from 'node:stream';
import type { CsvFormat } from '@mediakiln/contracts';
import { type CsvEncoding, textOf } from './encoding';
import { URL_COLUMN, formatOf } from './header';
import { listError } from './list.errors';
import { MAX_RECORD_BYTES, recordsOf } from './records';
import { type CsvRow, rowOf } from './row';

/**
 * Reads a list for the first time: finds out how it is to be read. Its rows come with what is wrong with them; what is
 * wrong with the whole list is thrown. Whoever asks for rows reads them to the end or calls `return`.
 * @param encoding of an EncodingFinder that saw all of it.
 * @throws AppError csv_empty, csv_malformed, csv_without_url_column, csv_cell_too_large; while the rows are read also
 * csv_too_many_rows, csv_without_rows
 */
export async function readCsv(
  bytes: Readable,
  encoding: CsvEncoding,
  { maxRows }: { maxRows: number },
): Promise<{ format: CsvFormat; rows: AsyncGenerator<CsvRow, void> }> {
  const text = textOf(bytes, encoding);
  try {
    const head = await headOf(text);
    if (head.trim() === '') throw empty();
    const format = formatOf(encoding, head);
    return { format, rows: counted(rowsOf(joined(head, text), format), maxRows) };
  } catch (error) {
    await text.return();
    throw error;
  }
}

/** Reads a list that was validated before, from its beginning. */
export function readCsvAs(bytes: Readable, format: CsvFormat): AsyncGenerator<CsvRow, void> {
  return rowsOf(textOf(bytes, format.encoding), format);
}

async function* rowsOf(text: AsyncGenerator<string, void>, format: CsvFormat): AsyncGenerator<CsvRow, void> {
  let row = 0;
  for await (const record of recordsOf(text, format.delimiter)) {
    if (row > 0) yield rowOf(record, row, format);
    row += 1;
  }
}

async function* counted(rows: AsyncGenerator<CsvRow, void>, maxRows: number): AsyncGenerator<CsvRow, void> {
  let count = 0;
  for await (const row of rows) {
    count += 1;
    // Those beyond the limit are counted, so that the error can tell how many there are.
    if (count <= maxRows) yield row;
  }
  if (count > maxRows) throw tooManyRows(maxRows, count);
  if (count === 0) throw withoutRows();
}

/** At least so much that a header of the longest allowed length is in it. */
async function headOf(text: AsyncGenerator<string, void>): Promise<string> {
  let head = '';
  while (head.trimStart().length < MAX_RECORD_BYTES) {
    const next = await text.next();
    if (next.done) break;
    // Blank lines, however many, are not held.
    head = (head + next.value).trimStart();
  }
  return head;
}

async function* joined(head: string, rest: AsyncGenerator<string, void>): AsyncGenerator<string, void> {
  try {
    yield head;
    yield* rest;
  } finally {
    await rest.return();
  }
}

const empty = () =>
  listError('csv_empty', {
    row: 0,
    column: URL_COLUMN,
    value: '',
    detail: `There is nothing in the file: it needs a header with a column "${URL_COLUMN}", and a row per product`,
  });

const withoutRows = () =>
  listError('csv_without_rows', {
    row: 1,
    column: URL_COLUMN,
    value: '',
    detail: 'Below the header there is no row: add one with an address',
  });

const tooManyRows = (maxRows: number, rows: number) =>
  listError('csv_too_many_rows', {
    row: maxRows + 1,
    column: null,
    value: String(rows),
    detail: `The list may have ${maxRows} rows, and it has ${rows}: divide it into several lists`,
  });
