import type { AppError, FieldError } from '@mediakiln/contracts';
import type { FastifyReply } from 'fastify';

export const PROBLEM_JSON = 'application/problem+json; charset=utf-8';

/** RFC 9457, with our `code`, `request_id` and, for validation, `errors`. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  request_id: string;
  errors?: FieldError[];
}

export function problemOf(error: AppError, requestId: string, publicUrl: string): Problem {
  return {
    type: `${publicUrl}/docs/errors/${error.code}`,
    title: error.title,
    status: error.status,
    detail: error.detail,
    code: error.code,
    request_id: requestId,
    ...(error.options.errors && { errors: error.options.errors }),
  };
}

const RETRY_AFTER_SECONDS = 2;

/** Headers that RFC 9110 asks for with a status, unless the error brings its own. */
export function problemHeaders(error: AppError): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': PROBLEM_JSON, 'cache-control': 'no-store' };
  if (error.status === 401) headers['www-authenticate'] = challenge(error.code);
  if (error.status === 429 || error.status === 503) headers['retry-after'] = String(RETRY_AFTER_SECONDS);
  return { ...headers, ...error.options.headers };
}

const challenge = (code: string): string =>
  code === 'token_expired'
    ? 'Bearer realm="mediakiln", error="invalid_token", error_description="the token has expired"'
    : 'Bearer realm="mediakiln"';

/** Ends the reply with the problem. Headers that handlers of the failed request set for its body are taken back. */
export function sendProblem(reply: FastifyReply, error: AppError, publicUrl: string): void {
  for (const name of ['content-length', 'content-encoding', 'content-disposition', 'etag', 'last-modified'])
    reply.removeHeader(name);
  void reply
    .status(error.status)
    .headers(problemHeaders(error))
    .send(JSON.stringify(problemOf(error, reply.request.id, publicUrl)));
}
