import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { AppError } from '@mediakiln/contracts';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { sendProblem } from './problem';

export interface BodyLimits {
  /** A body that we parse in memory must be here so soon. */
  parsedBodyMs: number;
  /** An upload may pause for so long. */
  uploadIdleMs: number;
  /** Over this time an upload must bring `uploadMinBytes`. */
  uploadWindowMs: number;
  uploadMinBytes: number;
}

export const BODY_LIMITS: BodyLimits = {
  parsedBodyMs: 300_000,
  uploadIdleMs: 30_000,
  uploadWindowMs: 60_000,
  uploadMinBytes: 60 * 65_536,
};

/** A look at the pace that comes so many times later than it should says nothing of the client. */
const LATE_LOOKS = 3;

/** Bodies that handlers read as streams; everything else is parsed in memory before the handler runs. */
export const STREAMED_TYPES = ['multipart/form-data', 'application/offset+octet-stream'];

/**
 * Node's own `requestTimeout` would cut a long upload of any speed, so it is off. Instead parsed bodies get a deadline,
 * and streamed ones a least pace.
 */
export function limitSlowBodies(instance: FastifyInstance, publicUrl: string, limits: BodyLimits): void {
  const deadlines = new WeakMap<IncomingMessage, NodeJS.Timeout>();
  const giveUpAfter = (reply: FastifyReply): NodeJS.Timeout =>
    setTimeout(() => {
      void reply.header('connection', 'close');
      sendProblem(reply, new AppError('request_timeout'), publicUrl);
      reply.raw.once('finish', () => reply.request.raw.destroy());
    }, limits.parsedBodyMs).unref();

  instance.addHook('preParsing', (request, reply, payload, done) => {
    if (hasParsedBody(request.headers)) deadlines.set(request.raw, giveUpAfter(reply));
    done(null, payload);
  });
  instance.addHook('preValidation', (request, _reply, done) => {
    clearTimeout(deadlines.get(request.raw));
    done();
  });
  // A broken or refused body never gets to preValidation.
  instance.addHook('onError', (request, _reply, _error, done) => {
    clearTimeout(deadlines.get(request.raw));
    done();
  });

  for (const type of STREAMED_TYPES)
    instance.addContentTypeParser(type, (request, _payload, done) => {
      watchPace(request.raw, limits);
      done(null);
    });
}

function hasParsedBody(headers: IncomingHttpHeaders): boolean {
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return false;
  const type = headers['content-type']?.toLowerCase() ?? '';
  return !STREAMED_TYPES.some((streamed) => type.startsWith(streamed));
}

/** Destroys a request that trickles. Time during which we ourselves do not read does not count against the client. */
function watchPace(request: IncomingMessage, limits: BodyLimits): void {
  const everyMs = Math.max(20, limits.uploadIdleMs / 10);
  let windowStart = { atMs: performance.now(), bytes: request.socket.bytesRead };
  let lastByte = { ...windowStart };
  let lastLookMs = windowStart.atMs;

  const timer = setInterval(() => {
    const atMs = performance.now();
    const bytes = request.socket.bytesRead;
    // What came while the process or its machine stood still is read after the timers.
    const weStoodStill = atMs - lastLookMs > LATE_LOOKS * everyMs;
    const weAreSlow = weStoodStill || request.readableLength >= request.readableHighWaterMark;
    lastLookMs = atMs;
    if (request.complete || request.destroyed) return clearInterval(timer);
    if (weAreSlow) {
      windowStart = lastByte = { atMs, bytes };
      return;
    }
    if (bytes > lastByte.bytes) lastByte = { atMs, bytes };
    const isIdle = atMs - lastByte.atMs > limits.uploadIdleMs;
    const windowIsOver = atMs - windowStart.atMs > limits.uploadWindowMs;
    const isTrickling = windowIsOver && bytes - windowStart.bytes < limits.uploadMinBytes;
    if (isIdle || isTrickling)
      request.destroy(new AppError('request_timeout', 'The upload arrives too slowly'));
    else if (windowIsOver) windowStart = { atMs, bytes };
  }, everyMs).unref();
  request.once('close', () => clearInterval(timer));
}
