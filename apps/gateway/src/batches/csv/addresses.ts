import type { RowError } from '@mediakiln/contracts';
import { quoted, shown } from './list.errors';

export const MAX_URL_CHARACTERS = 2_048;

const ADDRESS_BEGINS = /https?:\/\//gi;
/** A blank alone keeps two addresses together: then it is what is wrong with them. */
const SEPARATOR = /[,|\n]/;
const AT_AN_END = /[\s,|]/;
const NOT_IN_A_URL = /[\s\p{C}]/u;

/**
 * The addresses of one cell, in order. A comma may belong to an address, and then no other address follows it. Walked
 * through once: a cell has 64 KiB, and a regular expression for this took its length to the third power.
 */
export function addressesOf(cell: string): string[] {
  const begins = [0];
  for (const { index } of cell.matchAll(ADDRESS_BEGINS)) if (isApart(cell, index)) begins.push(index);
  return begins
    .map((begin, n) => trimmed(cell.slice(begin, begins[n + 1])))
    .filter((address) => address !== '');
}

/** Whether a separator stands before this place, with or without blanks. */
function isApart(cell: string, place: number): boolean {
  for (let at = place - 1; at >= 0 && AT_AN_END.test(cell[at]!); at -= 1)
    if (SEPARATOR.test(cell[at]!)) return true;
  return false;
}

function trimmed(text: string): string {
  let [begin, end] = [0, text.length];
  while (begin < end && AT_AN_END.test(text[begin]!)) begin += 1;
  while (end > begin && AT_AN_END.test(text[end - 1]!)) end -= 1;
  return text.slice(begin, end);
}

/** What keeps this address from being run, or null. */
export function addressError(url: string, place: Pick<RowError, 'row' | 'column'>): RowError | null {
  const where = `Row ${place.row}, column ${quoted(place.column ?? '')}`;
  const error = (code: string, detail: string): RowError => ({
    ...place,
    code,
    value: shown(url),
    detail: `${where}: ${detail}`,
  });
  if (url.length > MAX_URL_CHARACTERS)
    return error(
      'csv_url_too_long',
      `the address has ${url.length} characters, and may have ${MAX_URL_CHARACTERS}. Use a shorter one`,
    );
  if (NOT_IN_A_URL.test(url))
    return error(
      'csv_bad_url',
      `${quoted(url)} has a space or a control character in it. Write a space as %20, and a comma between two addresses`,
    );
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (!parsed || !['http:', 'https:'].includes(parsed.protocol))
    return error(
      'csv_bad_url',
      `${quoted(url)} is no http or https address. Write it whole, such as https://example.com/photo.jpg`,
    );
  return parsed.username || parsed.password
    ? {
        ...error(
          'csv_url_with_login',
          'the address has a user name or a password in it. Give one that works without',
        ),
        // Errors are stored and shown: a password is not.
        value: shown(parsed.origin),
      }
    : null;
}
