import { type ExecutionContext, SetMetadata, applyDecorators, createParamDecorator } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { ApiExtension } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';

/** Who sent the request, as far as the token tells; nothing is read from the database for it. */
export interface RequestUser {
  id: string;
  role: 'user' | 'admin';
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard; absent on public routes and for anonymous callers of optional ones. */
    user?: RequestUser;
  }
}

export const ACCESS = Symbol('mediakiln:access');
export type Access = 'token' | 'optional' | 'public';

/** Tells the OpenAPI document what the guard knows; taken out again before the document is served. */
export const ACCESS_EXTENSION = 'x-access';

const access = (kind: Access): ClassDecorator & MethodDecorator =>
  applyDecorators(SetMetadata(ACCESS, kind), ApiExtension(ACCESS_EXTENSION, kind));

/** Opens a route (or a whole controller) to everybody. Without this or OptionalAuth every route needs a token. */
export const Public = (): ClassDecorator & MethodDecorator => access('public');

/** Lets anonymous callers in, for routes that a signed address may open too; a token that is sent must be good. */
export const OptionalAuth = (): ClassDecorator & MethodDecorator => access('optional');

const userOf = (context: ExecutionContext): RequestUser | undefined =>
  context.switchToHttp().getRequest<FastifyRequest>().user;

/** Parameter decorator: the caller. On a route without the guard it refuses rather than hand out `undefined`. */
export const CurrentUser = createParamDecorator(
  (_data: undefined, context: ExecutionContext): RequestUser => {
    const user = userOf(context);
    if (!user) throw new AppError('unauthenticated');
    return user;
  },
);

/** Parameter decorator for OptionalAuth routes: the caller, or undefined. */
export const CallerIfKnown = createParamDecorator((_data: undefined, context: ExecutionContext) =>
  userOf(context),
);
