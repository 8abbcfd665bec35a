import {
  type Log,
  type Meter,
  type Span,
  failSpan,
  formatTraceparent,
  isTracing,
  runIn,
  startSpan,
} from '@mediakiln/observability';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * One line, one observation and, where traces are on, one span per request, when its response is over or broken off. The
 * route's pattern stands in for the address, since addresses carry share tokens and signatures.
 */
export function observeRequests(instance: FastifyInstance, log: Log, meter: Meter): void {
  instance.addHook('onRequest', (request, reply, done) => {
    const startedMs = performance.now();
    const isHealth = request.routeOptions.url?.startsWith('/health/') ?? false;
    const span = isTracing() && !isHealth ? startRequestSpan(request) : undefined;
    // Not Fastify's onResponse: it knows nothing of clients that hang up.
    reply.raw.once('close', () => {
      const route = request.routeOptions.url ?? 'unmatched';
      const method = METHODS.includes(request.method) ? request.method : 'other';
      const status = reply.raw.writableFinished ? reply.raw.statusCode : 499;
      const durationMs = performance.now() - startedMs;
      meter.requestDuration.observe({ method, route, status }, durationMs / 1_000);
      if (span) endRequestSpan(span, { method, route, status });
      const fields = {
        method: request.method,
        route,
        status,
        duration_ms: Math.round(durationMs * 10) / 10,
        request_id: request.id,
        owner_id: request.user?.id,
        trace_id: span?.spanContext().traceId,
      };
      if (isHealth) log.debug('request', fields);
      else log.info('request', fields);
    });
    if (!span) return done();
    // On the raw response, so that hijacked replies carry it as well: with it a client can point at its trace.
    reply.raw.setHeader('traceparent', formatTraceparent(span.spanContext()));
    // Fastify keeps the context while a body arrives.
    runIn(span, done);
  });
}

function startRequestSpan(request: FastifyRequest): Span | undefined {
  const { traceparent } = request.headers;
  const parent = typeof traceparent === 'string' ? traceparent : null;
  return startSpan({ name: request.method, kind: 'server', parent });
}

function endRequestSpan(
  span: Span,
  { method, route, status }: { method: string; route: string; status: number },
): void {
  span.updateName(`${method} ${route}`);
  span.setAttributes({
    'http.request.method': method,
    'http.route': route,
    'http.response.status_code': status,
  });
  if (status >= 500) failSpan(String(status), span);
  span.end();
}
