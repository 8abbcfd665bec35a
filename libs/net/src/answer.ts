import { AppError } from '@mediakiln/contracts';
import type { Dispatcher } from 'undici';
import { tooLarge } from './counted-body';
import { HostBusy, retryAfterSeconds } from './host-busy';

type Head = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>;

const REDIRECTS = [301, 302, 303, 307, 308];
const GONE = [404, 410];
const TOO_MANY_REQUESTS = 429;
const UNAVAILABLE = 503;

/** Where the answer sends us instead; null when it does not. */
export function redirectOf({ statusCode, headers }: Head): string | null {
  const location = first(headers.location);
  return REDIRECTS.includes(statusCode) && location !== undefined ? location : null;
}

/** Lets the answer pass that brings a whole file as it is. @throws AppError with what is wrong with any other. */
export function assertFile({ statusCode, headers }: Head, host: string, maxBytes: number): void {
  if (statusCode !== 200) throw refusal({ statusCode, headers }, host);
  const encoding = first(headers['content-encoding'])?.trim().toLowerCase() || 'identity';
  // A few kilobytes could become any number of them; and we had asked for none.
  if (encoding !== 'identity')
    throw new AppError(
      'download_refused',
      `${host} sent the file packed as ${encoding.slice(0, 40)}, unasked`,
    );
  const declared = first(headers['content-length']);
  if (declared !== undefined && Number(declared) > maxBytes) throw tooLarge(maxBytes, declared);
}

function refusal({ statusCode, headers }: Head, host: string): AppError {
  const seconds = retryAfterSeconds(first(headers['retry-after']));
  if (statusCode === TOO_MANY_REQUESTS || (statusCode === UNAVAILABLE && seconds !== null))
    return new HostBusy(host, seconds);
  if (GONE.includes(statusCode))
    return new AppError('download_not_found', `${host} answered ${statusCode}: there is no such file`);
  return new AppError(
    statusCode >= 500 ? 'download_failed' : 'download_refused',
    `${host} answered ${statusCode} instead of sending the file`,
  );
}

const first = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;
