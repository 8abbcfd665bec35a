import type { Log } from '@mediakiln/observability';
import type { FastifyInstance } from 'fastify';

/**
 * One line per request, when its response is over or broken off. The route's pattern stands in for the address, since
 * addresses carry share tokens and signatures.
 */
export function logRequests(instance: FastifyInstance, log: Log): void {
  instance.addHook('onRequest', (request, reply, done) => {
    const startedMs = performance.now();
    // Not Fastify's onResponse: it knows nothing of clients that hang up.
    reply.raw.once('close', () => {
      const route = request.routeOptions.url ?? 'unmatched';
      const fields = {
        method: request.method,
        route,
        status: reply.raw.writableFinished ? reply.raw.statusCode : 499,
        duration_ms: Math.round((performance.now() - startedMs) * 10) / 10,
        request_id: request.id,
        owner_id: request.user?.id,
      };
      if (route.startsWith('/health/')) log.debug('request', fields);
      else log.info('request', fields);
    });
    done();
  });
}
