import type { RowError } from '@mediakiln/contracts';
import { quoted, shown } from './list.errors';

export const MAX_URL_CHARACTERS = 2_048;

/** A comma may belong to an address, and then no other address follows it. */
const BETWEEN_ADDRESSES = /\s*[,|\n]\s*(?=https?:\/\/)/i;
const AT_THE_ENDS = /^[\s,|]+|[\s,|]+$/g;
const NOT_IN_A_URL = /[\s\p{C}]/u;

/** The addresses of one cell, in order. */
export function addressesOf(cell: string): string[] {
  const list = cell.replace(AT_THE_ENDS, '');
  return list === '' ? [] : list.split(BETWEEN_ADDRESSES).map((address) => address.replace(AT_THE_ENDS, ''));
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
