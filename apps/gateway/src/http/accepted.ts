import type { FastifyReply } from 'fastify';

/** Of work that takes its time: where its end can be seen, and when to look first. */
export function tellWhere(reply: FastifyReply, address: string, afterSeconds: number): void {
  void reply.header('location', address).header('retry-after', afterSeconds);
}
