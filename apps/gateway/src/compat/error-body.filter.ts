import { Catch, applyDecorators } from '@nestjs/common';
import type { AppError } from '@mediakiln/contracts';
import { ApiExtraModels, ApiProperty, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { problemHeaders } from '../http/problem';
import { ProblemFilter } from '../http/problem.filter';

/** What the systems before this one answered when something was wrong. */
export class ErrorBody {
  @ApiProperty({ description: 'A sentence for people', example: 'There is no image with this id' })
  error: string;

  @ApiProperty({ description: 'Stable; listed at /docs/errors', example: 'not_found' })
  code: string;
}

/** Statuses that their clients know by themselves; every other fault of a client was a 400. */
const KEPT = [401, 403, 404, 405, 413, 429, 499];

/** Failures of the compatibility routes: `{"error": …}` instead of a problem document. */
@Catch()
export class ErrorBodyFilter extends ProblemFilter {
  protected override send(reply: FastifyReply, error: AppError): void {
    void reply
      .status(this.statusOf(error))
      .headers({ ...problemHeaders(error), 'content-type': 'application/json; charset=utf-8' })
      .send(JSON.stringify(this.bodyOf(error)));
  }

  protected statusOf({ status }: AppError): number {
    return status >= 500 || KEPT.includes(status) ? status : 400;
  }

  protected bodyOf(error: AppError): object {
    return { error: error.detail, code: error.code } satisfies ErrorBody;
  }
}

/** Documents the failures of a compatibility route. */
export const ApiErrorBodies = (...statuses: number[]): MethodDecorator =>
  applyDecorators(
    ApiExtraModels(ErrorBody),
    ...statuses.map((status) =>
      ApiResponse({
        status,
        description: WORDS[status] ?? 'The request was refused',
        content: { 'application/json': { schema: { $ref: getSchemaPath(ErrorBody) } } },
      }),
    ),
  );

const WORDS: Record<number, string> = {
  400: 'Something in the request is wrong; `error` says what',
  401: 'A token is missing or wrong',
  403: 'The API key may not do this',
  404: 'There is nothing with this id among yours',
  409: 'This does not go with what was sent before',
  413: 'The file is too large, or the account has all that it may keep',
  416: 'The range is outside the file',
  429: 'Too many tries; `Retry-After` says when to come back',
  503: 'The server is too busy',
  507: 'The storage is full',
};
