import { Catch, HttpException } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import type { AppError } from '@mediakiln/contracts';
import { Log } from '@mediakiln/observability';
import type { FastifyReply } from 'fastify';
import { sendProblem } from '../http/problem';
import { publicUrlOf } from '../http/public-url';
import { ErrorBodyFilter } from './error-body.filter';

/**
 * Addresses of these routes. What is asked of them by another method, or with a body that cannot be parsed, reaches no
 * controller, and so no filter of one.
 */
const OURS = [
  /^\/(upload|status\/[^/]+|api\/(upload|status\/[^/]+|media(\/[^/]+\/status)?))\/?$/,
  /^\/(api-token-auth|api\/videos\/(upload|chunked_upload|merge|list|serve|tasks\/[^/]+\/status|[^/]+\/(trim|share)))\/?$/,
];

/** For the whole gateway, since that is where such a request ends: told in the words of these systems. */
@Catch(HttpException)
export class EarlyFilter extends ErrorBodyFilter {
  private readonly base: string;

  constructor(config: AppConfig, log: Log) {
    super(config, log);
    this.base = publicUrlOf(config);
  }

  protected override send(reply: FastifyReply, error: AppError): void {
    const path = reply.request.url.split('?', 1)[0]!;
    if (OURS.some((pattern) => pattern.test(path))) super.send(reply, error);
    else sendProblem(reply, error, this.base);
  }
}
