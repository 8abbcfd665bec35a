import type { CsvFormat } from '@mediakiln/contracts';
import type { CsvEncoding } from './encoding';
import { listError, quoted } from './list.errors';
import { firstRecordOf } from './records';

/** As errors name the column that a list must have. */
export const URL_COLUMN = 'Input Image Urls';

const DELIMITERS = [',', ';', '\t'] as const;

/** Without case, spaces and punctuation; where several columns fit, an earlier name wins. */
const ALIASES = {
  serial_number: ['serialnumber', 'sno', 'serialno'],
  product_name: ['productname'],
  urls: ['inputimageurls', 'inputimageurl', 'imageurls', 'imageurl', 'inputurls', 'inputurl', 'urls', 'url'],
} as const;

/** Columns that our result adds. All of them together tell that a result comes back; one alone may be anybody's. */
const RESULT_COLUMNS = ['status', 'error_code', 'output_url'] as const;

/** @param head the first characters of the list, with the whole header. @throws AppError csv_without_url_column */
export function formatOf(encoding: CsvEncoding, head: string): CsvFormat {
  const candidates = DELIMITERS.map((delimiter) => {
    const header = firstRecordOf(head, delimiter).map((name) => name.trim());
    return { delimiter, header, urls: columnOf(header, 'urls') };
  });
  const { delimiter, header, urls } =
    candidates.find((one) => one.urls !== null) ??
    candidates.reduce((most, one) => (one.header.length > most.header.length ? one : most));
  if (urls === null) throw withoutUrls(header);
  return {
    encoding,
    delimiter,
    header,
    columns: {
      serial_number: columnOf(header, 'serial_number'),
      product_name: columnOf(header, 'product_name'),
      urls,
      status: RESULT_COLUMNS.every((name) => header.includes(name)) ? header.lastIndexOf('status') : null,
    },
  };
}

function columnOf(header: readonly string[], column: keyof typeof ALIASES): number | null {
  const names = header.map((name) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ''));
  const alias = ALIASES[column].find((one) => names.includes(one));
  return alias === undefined ? null : names.indexOf(alias);
}

function withoutUrls(header: readonly string[]) {
  const names = header.map(quoted).join(', ');
  return listError('csv_without_url_column', {
    row: 0,
    column: URL_COLUMN,
    value: header.join(', ').slice(0, 200),
    detail: `The header has ${header.length === 1 ? 'the column' : 'the columns'} ${names.slice(0, 500)}: name the one that holds the addresses "${URL_COLUMN}"`,
  });
}
