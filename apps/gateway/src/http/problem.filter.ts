import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError } from '@mediakiln/contracts';
import { Log } from '@mediakiln/observability';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { asAppError } from './as-app-error';
import { sendProblem } from './problem';
import { publicUrlOf } from './public-url';

/** The one place where a failed request becomes an answer, and where a failure of ours is logged, once. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly publicUrl: string;

  constructor(
    config: AppConfig,
    private readonly log: Log,
  ) {
    this.publicUrl = publicUrlOf(config);
  }

  catch(thrown: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw thrown;
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const fields = { request_id: request.id, method: request.method, route: request.routeOptions?.url };

    // What fails because the client hung up is no failure of ours, whatever it looks like; nobody reads the answer.
    if (request.raw.socket?.destroyed) {
      this.log.debug('client closed the connection', { ...fields, code: 'client_closed', err: thrown });
      return;
    }
    const error = refineNotFound(asAppError(thrown), request);
    if (error.status >= 500)
      this.log.error('request failed', { ...fields, code: error.code, err: error.options.cause ?? error });
    if (reply.sent || reply.raw.headersSent) {
      // Half an answer is out: only a broken connection tells the client that it is not whole.
      reply.raw.destroy();
      return;
    }
    this.send(reply, error);
  }

  protected send(reply: FastifyReply, error: AppError): void {
    sendProblem(reply, error, this.publicUrl);
  }
}

function refineNotFound(error: AppError, request: FastifyRequest): AppError {
  if (error.code !== 'not_found' || !request.is404) return error;
  const path = request.url.split('?', 1)[0];
  const methods = request.server.allowedMethods(request.url);
  if (methods.length === 0) return new AppError('not_found', `There is no route ${request.method} ${path}`);
  return new AppError('method_not_allowed', `${request.method} is not one of ${methods.join(', ')}`, {
    headers: { allow: methods.join(', ') },
  });
}
