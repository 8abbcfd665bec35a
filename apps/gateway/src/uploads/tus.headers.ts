import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { AppError } from '@mediakiln/contracts';

export const TUS_VERSION = '1.0.0';
export const CHECKSUM_ALGORITHMS = { sha1: 20, sha256: 32 } as const;

export interface Checksum {
  algorithm: keyof typeof CHECKSUM_ALGORITHMS;
  value: Buffer;
}

export type TusMethod = 'POST' | 'HEAD' | 'PATCH' | 'DELETE';
/** What can be meant by a POST at the address of an upload. */
export const OVERRIDES: readonly TusMethod[] = ['PATCH', 'HEAD', 'DELETE'];

const MOST_PARTS = 100;
const FINAL = 'final;';
const WHOLE_NUMBER = /^\d{1,16}$/;

/** What the specification asks of a request's headers beyond what the tus server looks at. */
export interface TusHeaders {
  checksum?: Checksum;
  /** Ids in the order of the whole; of a final upload only. */
  partIds?: string[];
  isPartial: boolean;
  length?: number;
}

/**
 * What a request at the address of an upload means: where nothing but GET and POST gets through, clients say it in
 * X-HTTP-Method-Override.
 * @throws AppError method_not_allowed
 */
export function meantMethod({ method, headers }: IncomingMessage): TusMethod {
  if (method !== 'POST') return method as TusMethod;
  const said = one(headers, 'x-http-method-override');
  const meant = OVERRIDES.find((one) => one === said);
  if (meant) return meant;
  throw new AppError(
    'method_not_allowed',
    `X-HTTP-Method-Override must be PATCH, HEAD or DELETE${said === undefined ? '' : `, not ${said.slice(0, 50)}`}`,
    { headers: { allow: 'DELETE, GET, HEAD, OPTIONS, PATCH' } },
  );
}

/** @throws AppError unsupported_tus_version, malformed_request */
export function tusHeadersOf(headers: IncomingHttpHeaders): TusHeaders {
  const version = one(headers, 'tus-resumable');
  if (version !== TUS_VERSION)
    throw new AppError(
      'unsupported_tus_version',
      `Tus-Resumable must be ${TUS_VERSION}${version === undefined ? '' : `, not ${version.slice(0, 50)}`}`,
      { headers: { 'tus-version': TUS_VERSION } },
    );
  const concat = one(headers, 'upload-concat');
  const length = one(headers, 'upload-length');
  return {
    checksum: checksumOf(one(headers, 'upload-checksum')),
    isPartial: concat === 'partial',
    partIds: concat?.startsWith(FINAL) ? partIdsOf(concat.slice(FINAL.length)) : undefined,
    length: length === undefined ? undefined : wholeNumber('Upload-Length', length),
  };
}

/** @throws AppError malformed_request */
function checksumOf(text: string | undefined): Checksum | undefined {
  if (text === undefined) return undefined;
  const [name = '', value = '', ...rest] = text.trim().split(' ');
  if (!isKnown(name))
    throw bad(
      `Upload-Checksum takes ${Object.keys(CHECKSUM_ALGORITHMS).join(' and ')}, not "${name.slice(0, 50)}"`,
    );
  const bytes = Buffer.from(value, 'base64');
  if (rest.length > 0 || bytes.length !== CHECKSUM_ALGORITHMS[name])
    throw bad(`Upload-Checksum needs ${CHECKSUM_ALGORITHMS[name]} bytes in base64 behind ${name}`);
  return { algorithm: name, value: bytes };
}

const isKnown = (name: string): name is Checksum['algorithm'] => Object.hasOwn(CHECKSUM_ALGORITHMS, name);

/** Addresses of ours, absolute or not: what counts is the id at the end. */
function partIdsOf(text: string): string[] {
  const ids = text
    .trim()
    .split(/ +/)
    .map((address) => address.split(/[?#]/, 1)[0]!.split('/').filter(Boolean).at(-1) ?? '');
  if (ids.some((id) => id === '')) throw bad('Upload-Concat: final; names no parts');
  if (ids.length > MOST_PARTS)
    throw bad(`Upload-Concat may name ${MOST_PARTS} parts, and here are ${ids.length}`);
  return ids;
}

export function wholeNumber(name: string, text: string): number {
  if (!WHOLE_NUMBER.test(text) || !Number.isSafeInteger(Number(text)))
    throw bad(`${name} must be a whole number of bytes, not "${text.slice(0, 50)}"`);
  return Number(text);
}

const one = (headers: IncomingHttpHeaders, name: string): string | undefined =>
  [headers[name]].flat().join(', ') || undefined;

const bad = (detail: string): AppError => new AppError('malformed_request', detail);
