import { Readable, pipeline } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { CsvFormat, JobStatus } from '@mediakiln/contracts';
import { type BatchImageSnapshot, BatchReader, type BatchSnapshot } from '@mediakiln/jobs';
import { MediaUrls } from '@mediakiln/media';
import { Storage, objectKey } from '@mediakiln/storage';
import { stringify } from 'csv-stringify';
import { readCsvAs } from './csv/csv.reader';
import { type CsvRow, imagesOf } from './csv/row';

/** What the result adds to the columns of the list. Known by their names when the result comes back as a list. */
const ADDED = [
  'status',
  'error_code',
  'output_url',
  'bytes_before',
  'bytes_after',
  'saved_percent',
  'sha256',
] as const;
type Added = Record<(typeof ADDED)[number], string | number | null>;

const IMAGES_AT_ONCE = 1_000;

/** A line as it goes out: a number is written as one, so that nothing has to be put before its sign. */
type Line = (string | number | null)[];

/**
 * The list again, one line per address, with what became of it. The stored list and the rows of its images are read in
 * step, so that never more than a piece of either is held.
 */
@Injectable()
export class BatchResult {
  constructor(
    private readonly reader: BatchReader,
    private readonly storage: Storage,
    private readonly urls: MediaUrls,
  ) {}

  /** @throws AppError storage_unavailable */
  async open(batch: BatchSnapshot): Promise<Readable> {
    const list = await this.storage.open(objectKey(batch.owner_id, batch.csv_sha256));
    const { delimiter, encoding } = batch.csv_format;
    const text = stringify({
      delimiter,
      // A cell of somebody else's list must not become a formula in the spreadsheet of whoever opens the result.
      escape_formulas: true,
      // What came out of a spreadsheet goes back into one, which takes a file without the mark for its own code page.
      bom: delimiter !== ',' || encoding !== 'utf-8',
    });
    // What either end fails with ends the other; whoever reads sees the response break off.
    pipeline(Readable.from(this.lines(batch, readCsvAs(list, batch.csv_format))), text, () => undefined);
    return text;
  }

  private async *lines(batch: BatchSnapshot, rows: AsyncIterable<CsvRow>): AsyncGenerator<Line, void> {
    const columns = columnsOf(batch.csv_format);
    yield columns.header;
    const images = this.images(batch.id);
    let next = await images.next();
    for await (const row of rows) {
      if (imagesOf(row).length === 0 && row.errors.length === 0) {
        yield row.cells;
        continue;
      }
      for (const [position, url, code] of addressesOf(row)) {
        const isNext = !next.done && next.value.row === row.row && next.value.position === position;
        const image = isNext ? (next.value as BatchImageSnapshot) : undefined;
        if (isNext) next = await images.next();
        yield columns.line(row, url, code === null ? this.added(batch, image) : skipped(code));
      }
    }
  }

  private async *images(batchId: string): AsyncGenerator<BatchImageSnapshot, void> {
    for (let after: BatchImageSnapshot | undefined; ;) {
      const page = await this.reader.images(batchId, { limit: IMAGES_AT_ONCE, after });
      yield* page;
      after = page.at(-1);
      if (page.length < IMAGES_AT_ONCE) return;
    }
  }

  /** @param image undefined while its row is not inserted. */
  private added(batch: BatchSnapshot, image: BatchImageSnapshot | undefined): Added {
    if (!image) return { ...NOTHING, status: batch.canceled_at ? 'canceled' : 'pending' };
    const { status, output, report } = image;
    if (status !== 'completed') return { ...NOTHING, status, error_code: image.error_code };
    return {
      status,
      error_code: null,
      output_url: output && this.urls.contentUrl(output.id),
      bytes_before: numberOf(report?.bytes_before),
      bytes_after: numberOf(report?.bytes_after),
      saved_percent: numberOf(report?.saved_percent),
      sha256: output?.sha256 ?? null,
    };
  }
}

const NOTHING: Added = {
  status: 'pending' satisfies JobStatus,
  error_code: null,
  output_url: null,
  bytes_before: null,
  bytes_after: null,
  saved_percent: null,
  sha256: null,
};

const skipped = (code: string): Added => ({ ...NOTHING, status: 'skipped', error_code: code });

const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null);

/** Position, address and, where it is not run, why; a row without a good word about it has one line. */
function addressesOf(row: CsvRow): [position: number, url: string | null, code: string | null][] {
  const isBad = row.errors.length > row.badUrls.size;
  if (isBad || row.urls.length === 0) return [[0, null, row.errors[0]?.code ?? null]];
  return row.urls.map((url, index) => [index + 1, url, row.badUrls.get(index)?.code ?? null]);
}

/** Where the columns stand: in a result that came back ours are overwritten, else they follow the others. */
function columnsOf({ header, columns }: CsvFormat) {
  const places = ADDED.map((name) => (columns.status === null ? -1 : header.lastIndexOf(name)));
  const appended = ADDED.filter((_, index) => places[index] === -1);
  return {
    header: [...header, ...appended],
    /** @param url in place of all addresses of the row: of the lines of one row, each has its own. */
    line(row: CsvRow, url: string | null, added: Added): Line {
      const line: Line = [...row.cells];
      if (url !== null) line[columns.urls] = url;
      ADDED.forEach((name, index) => {
        if (places[index]! >= 0) line[places[index]!] = added[name];
        else line.push(added[name]);
      });
      return line;
    },
  };
}
