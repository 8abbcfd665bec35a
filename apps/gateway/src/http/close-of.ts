import type { FastifyReply } from 'fastify';

/** Aborts when the client hangs up, so that nobody is waited for who has left. */
export function closeOf(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => controller.abort());
  return controller.signal;
}
