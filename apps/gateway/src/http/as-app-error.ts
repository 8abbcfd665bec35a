import { HttpException } from '@nestjs/common';
import { AppError, type ErrorCode } from '@mediakiln/contracts';
import { isConnectionError } from '@mediakiln/entities';
import { QueryFailedError } from 'typeorm';

/** Anything that a request can die of, as one of our own codes. The original stays in `cause`, for the log alone. */
export function asAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const failure = frameworkFailure(thrown);
  if (failure && failure.status < 500) return clientError(failure, thrown);
  if (isConnectionError(thrown)) return new AppError('database_unavailable', undefined, { cause: thrown });
  if (isOwnerGone(thrown))
    return new AppError('unauthenticated', 'The account was deleted meanwhile', { cause: thrown });
  return AppError.from(thrown);
}

/** Whatever a deleted account still wants to insert, such as the end of an upload that took hours. */
function isOwnerGone(thrown: unknown): boolean {
  if (!(thrown instanceof QueryFailedError)) return false;
  const { code, constraint } = thrown.driverError as Error & { code?: string; constraint?: string };
  return code === '23503' && (constraint?.endsWith('_owner_id_fkey') ?? false);
}

interface FrameworkFailure {
  status: number;
  /** Thrown by a parser of bodies. */
  isSyntax: boolean;
  /** Fastify's own code, such as FST_ERR_CTP_BODY_TOO_LARGE. */
  code?: string;
}

/** Nest wraps what Fastify throws into an HttpException with the original as its cause. */
function frameworkFailure(thrown: unknown): FrameworkFailure | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const inner = (thrown instanceof HttpException ? thrown.cause : thrown) as
    { statusCode?: unknown; code?: unknown; name?: unknown } | undefined;
  const status = thrown instanceof HttpException ? thrown.getStatus() : inner?.statusCode;
  if (typeof status !== 'number') return undefined;
  const code = typeof inner?.code === 'string' ? inner.code : undefined;
  return { status, isSyntax: inner?.name === 'SyntaxError', code };
}

const BY_FASTIFY_CODE: Record<string, { code: ErrorCode; detail: string }> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'body_too_large', detail: 'The body is larger than this route takes' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'unsupported_content_type',
    detail: 'This route does not take a body of this content type',
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: {
    code: 'malformed_json',
    detail: 'The content type says JSON, but the body is empty',
  },
  FST_ERR_CTP_INVALID_JSON_BODY: { code: 'malformed_json', detail: 'The body is not valid JSON' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'malformed_request',
    detail: 'The body does not have the length that Content-Length announced',
  },
  FST_ERR_BAD_URL: { code: 'malformed_request', detail: 'The address has a broken percent-encoding' },
  FST_ERR_MAX_PARAM_LENGTH: {
    code: 'not_found',
    detail: 'A part of the address is longer than any that exists',
  },
};

const BY_STATUS: Partial<Record<number, ErrorCode>> = {
  400: 'malformed_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  408: 'request_timeout',
  409: 'conflict',
  413: 'body_too_large',
  414: 'malformed_request',
  415: 'unsupported_content_type',
  416: 'range_not_satisfiable',
  422: 'validation_failed',
  429: 'too_many_requests',
  431: 'headers_too_large',
};

function clientError(failure: FrameworkFailure, cause: unknown): AppError {
  const known = failure.code === undefined ? undefined : BY_FASTIFY_CODE[failure.code];
  if (known) return new AppError(known.code, known.detail, { cause });
  // The parser throws a bare SyntaxError for a body that sets `__proto__` or `constructor.prototype`.
  if (failure.isSyntax) return new AppError('malformed_json', undefined, { cause });
  return new AppError(BY_STATUS[failure.status] ?? 'malformed_request', undefined, { cause });
}
