import type { ByteRange } from '@mediakiln/storage';

/**
 * What a `Range` header asks of a file (RFC 9110, 14.2).
 * @returns the range; `unsatisfiable` (also for several ranges at once, which nobody needs and which cost a lot);
 * undefined where the header is absent or not one of ours, and the whole file is the answer.
 */
export function parseRange(
  header: string | undefined,
  bytes: number,
): ByteRange | 'unsatisfiable' | undefined {
  const set = /^\s*bytes\s*=(.*)$/i.exec(header ?? '')?.[1];
  if (set === undefined) return undefined;
  if (set.includes(',')) return 'unsatisfiable';
  const [, first, last] = /^\s*(\d{0,15})-(\d{0,15})\s*$/.exec(set) ?? [];
  if (first === undefined || last === undefined || first + last === '') return undefined;
  if (first === '') {
    const suffix = Math.min(Number(last), bytes);
    return suffix === 0 ? 'unsatisfiable' : { start: bytes - suffix, end: bytes - 1 };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= bytes) return 'unsatisfiable';
  return { start, end: last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1) };
}
