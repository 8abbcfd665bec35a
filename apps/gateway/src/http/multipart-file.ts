import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { AppError, type ErrorCode } from '@mediakiln/contracts';
import { Busboy, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';

export interface IncomingFile {
  /** As the client said it, without folders; empty when it said none. */
  name: string;
  content: Readable;
  /** Aborts when something else is wrong with the body: the file is not wanted any more. */
  signal: AbortSignal;
}

export interface Received<T> {
  file: T;
  /** The other fields; of one that comes twice, the last. */
  fields: ReadonlyMap<string, string>;
}

/** What a multipart body has besides the file. */
const ENVELOPE_BYTES = 2 << 20;
const LIMITS = { files: 1, fields: 20, parts: 25, fieldSize: 65_536, fieldNameSize: 100, headerPairs: 100 };
const READ_BYTES = 1 << 20;
const LIMIT_EVENTS = {
  filesLimit: `The body may hold ${LIMITS.files} file`,
  fieldsLimit: `The body may hold ${LIMITS.fields} fields besides the file`,
  partsLimit: `The body may have ${LIMITS.parts} parts`,
} as const;

/**
 * Reads a multipart body that holds one file in `field`, or in one of several that may bring it. The file streams through `take`; when the rest of the body
 * turns out to be bad, what was taken goes to `undo`.
 * On failure the rest of the body is drained, see `drain`.
 * @throws AppError unsupported_content_type, malformed_multipart, too_many_parts, client_closed, and what `take` throws
 */
export async function receiveFile<T>(
  request: IncomingMessage,
  field: string | readonly string[],
  take: (file: IncomingFile) => Promise<T>,
  undo: (taken: T) => Promise<void>,
): Promise<Received<T>> {
  const names = typeof field === 'string' ? [field] : field;
  const quoted = names.map((name) => `"${name}"`).join(' or ');
  if (!/^multipart\/form-data\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
    drain(request);
    throw new AppError(
      'unsupported_content_type',
      `Send the file as multipart/form-data, in the field ${quoted}`,
    );
  }
  const fields = new Map<string, string>();
  const abort = new AbortController();
  let failure: Error | undefined;
  const fail = (reason: unknown): void => {
    failure ??= reason instanceof Error ? reason : new Error('the upload failed', { cause: reason });
    abort.abort();
  };
  let taken: Promise<T | undefined> = Promise.resolve(undefined);

  const parser = parserFor(request);
  // Without a file name, application/octet-stream makes a part a file too.
  parser.on('file', (name, content, fileName: string | undefined) => {
    // Its error is thrown where it is read, or is of no interest any more.
    content.on('error', () => undefined);
    if (!names.includes(name))
      return fail(wrong(`The file must be in the field ${quoted}, not in "${String(name).slice(0, 100)}"`));
    taken = take({ name: fileName ?? '', content, signal: abort.signal }).catch((error: unknown) => {
      fail(error);
      return undefined;
    });
  });
  parser.on('field', (name, value, _isNameCut, isValueCut) => {
    if (names.includes(name)) fail(wrong(`The field "${name}" must be a file, with a file name`));
    if (isValueCut) fail(wrong(`A field may have ${LIMITS.fieldSize} bytes, and "${name}" has more`));
    fields.set(name, value);
  });
  for (const event of Object.keys(LIMIT_EVENTS) as (keyof typeof LIMIT_EVENTS)[])
    parser.on(event, () => fail(wrong(LIMIT_EVENTS[event], 'too_many_parts')));

  await parsed(request, parser, abort.signal, fail);
  if (failure !== undefined) request.unpipe(parser);
  const result = await taken;
  if (failure === undefined && result === undefined)
    failure = wrong(`There is no file in the field ${quoted}`);
  if (failure === undefined) return { file: result!, fields };
  if (result !== undefined) await undo(result);
  drain(request);
  throw failure;
}

/** For the headers alone: @returns the bytes that are announced, when they are more than a file of `maxBytes` needs. */
export function announcedTooMany(request: IncomingMessage, maxBytes: number): number | undefined {
  const announced = Number(request.headers['content-length'] ?? 0);
  return announced > maxBytes + ENVELOPE_BYTES ? announced : undefined;
}

/** Resolves at the end of the body and of the file in it, or as soon as anything fails. */
function parsed(
  request: IncomingMessage,
  parser: BusboyInstance,
  signal: AbortSignal,
  fail: (reason: unknown) => void,
): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    parser.once('finish', resolve);
    parser.on('error', (error) =>
      fail(wrong('The multipart body ends too early or is damaged', undefined, error)),
    );
    request.once('error', fail);
    request.once('close', () => {
      if (!request.complete) fail(new AppError('client_closed'));
    });
    // Whoever left before we listened says nothing any more.
    if (request.destroyed && !request.complete) return fail(new AppError('client_closed'));
    // Not `pipeline`: it destroys the request on failure, and a browser that still sends never reads the answer.
    request.pipe(parser);
  });
}

function parserFor(request: IncomingMessage): BusboyInstance {
  try {
    return new Busboy({
      headers: request.headers as BusboyHeaders,
      limits: LIMITS,
      highWaterMark: READ_BYTES,
      fileHwm: READ_BYTES,
    });
  } catch (error) {
    throw wrong('The content type names no boundary', undefined, error);
  }
}

const DRAIN_BYTES = 256 << 20;
const DRAIN_MS = 30_000;

/**
 * Reads on and throws away, so that a browser that is still sending gets to read the answer; but not for ever: after
 * so many bytes or so much time the connection is cut.
 */
export function drain(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  let left = DRAIN_BYTES;
  const timer = setTimeout(() => request.destroy(), DRAIN_MS).unref();
  request.on('error', () => undefined);
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) request.destroy();
  });
  request.once('close', () => clearTimeout(timer));
  request.resume();
}

function wrong(detail: string, code: ErrorCode = 'malformed_multipart', cause?: unknown): AppError {
  return new AppError(code, detail, { cause });
}
