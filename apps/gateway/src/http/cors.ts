import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
/** `*` would not do: it does not cover Authorization. */
const REQUEST_HEADERS = [
  'Authorization, X-API-Key, Idempotency-Key, Content-Type, Accept, Range, If-Range, If-None-Match, If-Match',
  'Last-Event-ID, X-Request-Id, traceparent, tracestate',
  'Tus-Resumable, Upload-Offset, Upload-Length, Upload-Metadata, Upload-Defer-Length, Upload-Concat, Upload-Checksum',
  'X-HTTP-Method-Override',
].join(', ');
const RESPONSE_HEADERS = [
  'Location, Link, Retry-After, X-Request-Id, ETag, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset',
  'Idempotent-Replayed, Content-Range, Accept-Ranges, Content-Disposition, WWW-Authenticate, Allow',
  'Upload-Offset, Upload-Length, Upload-Metadata, Upload-Expires, Upload-Concat, Mediakiln-Media-Id',
  'Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm',
].join(', ');
/** Browsers keep a preflight's answer for two hours at most. */
const MAX_AGE_SECONDS = 7_200;

/** Adds to an answer what lets the page that asked read it. */
export type Cors = (request: FastifyRequest, reply: FastifyReply) => void;

/**
 * What pages of other origins may do, by CORS_ORIGINS. Credentials are never allowed: tokens are headers, so a browser
 * sends nothing by itself that could be abused.
 */
export function corsFor(origins: readonly string[]): Cors {
  if (origins.length === 0) return () => undefined;
  const isForAll = origins.includes('*');
  const allowed = new Set(origins.map((origin) => origin.toLowerCase()));
  // On the raw response, so that hijacked replies (SSE, tus) carry it as well.
  return ({ headers: { origin } }, { raw }) => {
    // Also for no Origin and a wrong one, so that a cache does not hand that answer to a page that may.
    if (!isForAll) raw.setHeader('vary', 'Origin');
    if (!isForAll && (origin === undefined || !allowed.has(origin.toLowerCase()))) return;
    raw.setHeader('access-control-allow-origin', isForAll ? '*' : origin!);
    raw.setHeader('access-control-expose-headers', RESPONSE_HEADERS);
  };
}

/** Preflights are answered before the router: it knows no OPTIONS, and they carry no token. */
export function applyCors(instance: FastifyInstance, cors: Cors): void {
  instance.addHook('onRequest', (request, reply, done) => {
    cors(request, reply);
    if (isPreflight(request) && reply.raw.hasHeader('access-control-allow-origin')) answerPreflight(reply);
    else done();
  });
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined
  );
}

function answerPreflight(reply: FastifyReply): void {
  reply.raw.removeHeader('access-control-expose-headers');
  void reply
    .status(204)
    .headers({
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': REQUEST_HEADERS,
      'access-control-max-age': MAX_AGE_SECONDS,
    })
    .send();
}
