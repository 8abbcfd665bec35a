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
  const addresses: string[] = [];
  let from = 0;
  for (const { index } of cell.matchAll(ADDRESS_BEGINS)) {
    const end = endOf(cell, from, index);
    if (!SEPARATOR.test(cell.slice(end, index))) continue;
    addresses.push(cell.slice(beginOf(cell, from, end), end));
    from = index;
  }
  const end = endOf(cell, from, cell.length);
  addresses.push(cell.slice(beginOf(cell, from, end), end));
  return addresses.filter((address) => address !== '');
}

function beginOf(cell: string, from: number, end: number): number {
  let begin = from;
  while (begin < end && AT_AN_END.test(cell[begin]!)) begin += 1;
  return begin;
}

function endOf(cell: string, from: number, to: number): number {
  let end = to;
  while (end > from && AT_AN_END.test(cell[end - 1]!)) end -= 1;
  return end;
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
