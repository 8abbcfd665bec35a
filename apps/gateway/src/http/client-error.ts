import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { AppError, type ErrorCode } from '@mediakiln/contracts';
import { problemHeaders, problemOf } from './problem';
import { DATA_SECURITY_HEADERS } from './security-headers';

const CODES: Partial<Record<string, ErrorCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
};

type HttpSocket = Socket & { _httpMessage?: { headersSent: boolean } };

/** Answers what is no HTTP request at all: no framework has seen it, so the response is written by hand. */
export function answerClientError(error: NodeJS.ErrnoException, socket: HttpSocket, publicUrl: string): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket._httpMessage?.headersSent) {
    socket.destroy();
    return;
  }
  const problem = new AppError(CODES[error.code ?? ''] ?? 'malformed_request');
  const requestId = randomUUID();
  const body = JSON.stringify(problemOf(problem, requestId, publicUrl));
  const headers = Object.entries({
    ...DATA_SECURITY_HEADERS,
    ...problemHeaders(problem),
    'x-request-id': requestId,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${headers.join('')}\r\n${body}`,
  );
  socket.destroySoon();
}
