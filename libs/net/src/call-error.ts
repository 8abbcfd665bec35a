import { AppError, type ErrorCode } from '@mediakiln/contracts';

type Sentence = [ErrorCode, (host: string) => string];

/** By the code of an error of undici or of Node's sockets. */
const SENTENCES: Readonly<Record<string, Sentence>> = {
  UND_ERR_HEADERS_TIMEOUT: ['download_stalled', (host) => `${host} did not begin to answer in time`],
  UND_ERR_BODY_TIMEOUT: ['download_stalled', (host) => `${host} stopped in the middle of the file`],
  UND_ERR_CONNECT_TIMEOUT: ['download_failed', (host) => `${host} did not take the connection in time`],
  ECONNREFUSED: ['download_failed', (host) => `${host} refused the connection`],
  UND_ERR_RES_EXCEEDED_MAX_SIZE: [
    'download_too_large',
    (host) => `${host} sent more bytes than a file may have (MAX_FETCH_BYTES)`,
  ],
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: [
    'download_failed',
    (host) => `${host} sent another number of bytes than it had said`,
  ],
};
const TLS_CODE = /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO|EPROTO/;

/** What went wrong on the way to a host and back, in words that are public. */
export function callError(error: unknown, host: string, signal: AbortSignal): unknown {
  // Whoever aborted has said why; what undici made of it is beside the point.
  if (signal.aborted) return signal.reason;
  if (error instanceof AppError) return error;
  const errno = codeOf(error);
  const [code, sentence]: Sentence = SENTENCES[errno] ?? ['download_failed', otherFailure(errno)];
  return new AppError(code, sentence(host), { cause: error });
}

const otherFailure =
  (errno: string) =>
  (host: string): string =>
    TLS_CODE.test(errno)
      ? `No secure connection to ${host} could be made (${errno})`
      : `The connection to ${host} broke off`;

/** Where several addresses were tried in vain, of the first one. */
function codeOf(error: unknown): string {
  const { code, errors } = (error ?? {}) as { code?: string; errors?: { code?: string }[] };
  return code ?? errors?.[0]?.code ?? '';
}
