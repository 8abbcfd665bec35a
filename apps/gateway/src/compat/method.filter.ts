import { Catch, NotFoundException } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import type { AppError } from '@mediakiln/contracts';
import { Log } from '@mediakiln/observability';
import type { FastifyReply } from 'fastify';
import { sendProblem } from '../http/problem';
import { publicUrlOf } from '../http/public-url';
import { ErrorBodyFilter } from './error-body.filter';

/** Addresses of these routes. What is asked of them by another method reaches no controller, and so no filter of one. */
const OURS = /^\/(upload|status\/[^/]+|api\/(upload|status\/[^/]+|media(\/[^/]+\/status)?))\/?$/;

/** For the whole gateway, since that is where a request ends that no route takes: 405 in the words of these systems. */
@Catch(NotFoundException)
export class MethodFilter extends ErrorBodyFilter {
  private readonly base: string;

  constructor(config: AppConfig, log: Log) {
    super(config, log);
    this.base = publicUrlOf(config);
  }

  protected override send(reply: FastifyReply, error: AppError): void {
    if (OURS.test(reply.request.url.split('?', 1)[0]!)) super.send(reply, error);
    else sendProblem(reply, error, this.base);
  }
}
