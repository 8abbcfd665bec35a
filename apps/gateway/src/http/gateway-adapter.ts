import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AppConfig } from '@mediakiln/config';
import { AppError } from '@mediakiln/contracts';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyHttpOptions } from 'fastify';
import { MAX_PARAM_LENGTH, trackAllowedMethods } from './allowed-methods';
import { asAppError } from './as-app-error';
import { answerClientError } from './client-error';
import { applyCors, corsFor } from './cors';
import { sendProblem } from './problem';
import { publicUrlOf } from './public-url';
import { addSecurityHeaders, setSecurityHeaders } from './security-headers';
import { BODY_LIMITS, type BodyLimits, limitSlowBodies } from './slow-bodies';

const PARSED_BODY_BYTES = 256 * 1024;
const HEADERS_TIMEOUT_MS = 15_000;
const SANE_REQUEST_ID = /^[\w.-]{1,64}$/;

export interface AdapterLimits extends BodyLimits {
  headersMs: number;
}

/** Fastify, set up so that no request can get an answer that is not ours. Use it with `configureGateway`. */
export function createGatewayAdapter(config: AppConfig, limits: Partial<AdapterLimits> = {}): FastifyAdapter {
  const publicUrl = publicUrlOf(config);
  const headersMs = limits.headersMs ?? HEADERS_TIMEOUT_MS;
  const cors = corsFor(config.corsOrigins);
  const options: FastifyHttpOptions<Server> = {
    logger: false,
    bodyLimit: PARSED_BODY_BYTES,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH },
    // While draining, what still arrives on an open connection is served: the database goes last.
    return503OnClosing: false,
    requestTimeout: 0,
    // From these peers X-Forwarded-For says who the visitor is; from all others it is a claim like any.
    trustProxy: config.trustProxy.length > 0 && [...config.trustProxy],
    http: {
      headersTimeout: headersMs,
      connectionsCheckingInterval: Math.min(Math.ceil(headersMs / 3), 5_000),
      // Node would answer by itself, without a body; the hook below does.
      requireHostHeader: false,
    },
    requestIdHeader: false,
    genReqId: (request) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && SANE_REQUEST_ID.test(given) ? given : randomUUID();
    },
    // Called by the router itself, before any hook: a broken percent-encoding, an overlong parameter.
    frameworkErrors: (error, request, reply) => {
      reply.raw.setHeader('x-request-id', request.id);
      setSecurityHeaders(request, reply);
      cors(request, reply);
      sendProblem(reply, asAppError(error), publicUrl);
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket, publicUrl),
  };
  const adapter = new FastifyAdapter({ ...options, multipart: false });

  const instance = adapter.getInstance();
  trackAllowedMethods(instance);
  instance.addHook('onRequest', (request, reply, done) => {
    // On the raw response, so that hijacked replies (SSE, tus) carry it as well.
    reply.raw.setHeader('x-request-id', request.id);
    done();
  });
  addSecurityHeaders(instance);
  applyCors(instance, cors);
  instance.addHook('onRequest', (request, _reply, done) => {
    const hasHost = request.headers.host !== undefined || request.raw.httpVersion === '1.0';
    if (hasHost) done();
    else done(new AppError('malformed_request', 'The Host header is missing'));
  });
  // An expectation that we do not know may be ignored (RFC 9110, 10.1.1); Node would answer 417 by itself.
  instance.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
    instance.server.emit('request', request, response),
  );
  limitSlowBodies(instance, publicUrl, { ...BODY_LIMITS, ...limits });
  return adapter;
}
