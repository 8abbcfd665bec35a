import { pipeline } from 'node:stream';
import { AppError, type CsvFormat } from '@mediakiln/contracts';
import { type Options, parse } from 'csv-parse';
import { parse as parseWhole } from 'csv-parse/sync';
import { listError } from './list.errors';

/** Of a record with all its cells. */
export const MAX_RECORD_BYTES = 64 << 10;
/** Empty cells do not count towards the bytes of a record, and a file may consist of them. */
const MAX_CELLS = 1_000;

type Delimiter = CsvFormat['delimiter'];

/**
 * The records of a list that are not blank, the header first. Never more than a piece of text and its records are held.
 * @throws AppError csv_cell_too_large, csv_malformed
 */
export async function* recordsOf(
  text: AsyncGenerator<string, void>,
  delimiter: Delimiter,
): AsyncGenerator<string[], void> {
  let seen = 0;
  let header: readonly string[] = [];
  const parser = parse(
    optionsFor(delimiter, (record) => {
      if (seen === 0) header = record;
      seen += 1;
      return record;
    }),
  );
  // What the text fails with comes out of the parser.
  pipeline(text, parser, () => undefined);
  try {
    yield* parser as AsyncIterable<string[]>;
  } catch (error) {
    throw explained(error, seen, header);
  } finally {
    // Whoever stops reading here lets go of the file, and not at some time later.
    parser.destroy();
    await text.return();
  }
}

/** The first record of the head of a list. @throws AppError csv_cell_too_large, csv_malformed */
export function firstRecordOf(head: string, delimiter: Delimiter): string[] {
  let first: string[] | undefined;
  try {
    parseWhole(
      head,
      optionsFor(delimiter, (record) => {
        first ??= record;
        return null;
      }),
    );
  } catch (error) {
    // The head may end in the middle of a later cell.
    if (first === undefined) throw explained(error, 0);
  }
  return first ?? [];
}

function optionsFor(delimiter: Delimiter, take: (record: string[]) => string[] | null): Options<string[]> {
  return {
    bom: true,
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: MAX_RECORD_BYTES,
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    cast: (value, { index }) => {
      if (index >= MAX_CELLS) throw new TooManyCells();
      return value;
    },
    on_record: (record) => (record.every((cell) => cell.trim() === '') ? null : take(record)),
  };
}

class TooManyCells extends Error {}

/** @param seen records before the one that failed; the header is one of them, so this is the number of its row. */
function explained(error: unknown, seen: number, header: readonly string[] = []): unknown {
  if (error instanceof AppError) return error;
  const at = { row: seen, column: header[cellOf(error)] ?? null, value: null };
  const where = seen === 0 ? 'The header' : `Row ${seen}`;
  if (error instanceof TooManyCells)
    return listError('csv_malformed', {
      ...at,
      detail: `${where} has more than ${MAX_CELLS} cells: is this the right file?`,
    });
  const code = csvCodeOf(error);
  if (code === undefined) return error;
  if (code === 'CSV_MAX_RECORD_SIZE')
    return listError(
      'csv_cell_too_large',
      {
        ...at,
        detail:
          `${where} has more than ${MAX_RECORD_BYTES} bytes. Shorten its cells, or look for a quote ` +
          `before it that is never closed`,
      },
      error,
    );
  return listError(
    'csv_malformed',
    {
      ...at,
      detail: `A quote opens a cell in ${where.toLowerCase()} and is never closed: close it, or write "" for a quote that is part of the text`,
    },
    error,
  );
}

/** How many cells of its record were read before the error. */
const cellOf = (error: unknown): number =>
  error instanceof Error && 'index' in error && typeof error.index === 'number' ? error.index : -1;

/** Not by its class, of which the package has one for each of its entries. */
const csvCodeOf = (error: unknown): string | undefined => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('CSV_') ? code : undefined;
};
