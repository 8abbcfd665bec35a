import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AppError, type Scope, allows } from '@mediakiln/contracts';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ACCESS, type Access, NEEDS_SCOPE, type RequestUser, countedAs } from '../http/access';
import { asAppError } from '../http/as-app-error';
import { RateLimits } from '../http/rate-limit';
import { type SignedLogin, Standing } from './standing';

declare module 'fastify' {
  interface FastifyRequest {
    /** Left by passport: the token is ours, and nothing is known of its login yet. */
    signedLogin?: SignedLogin;
  }
}

/** On every route: a token is needed unless the route says otherwise, so that none is open by mistake. */
@Injectable()
export class JwtGuard extends AuthGuard('jwt') {
  constructor(
    private readonly reflector: Reflector,
    private readonly standing: Standing,
    private readonly limits: RateLimits,
  ) {
    super();
  }

  override canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const access = this.metadata<Access>(context, ACCESS) ?? 'token';
    if (access === 'public') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const key = apiKeyOf(request);
    const { authorization } = request.headers;
    if (key !== undefined) return this.enterWhenKnown(context, request, this.standing.apiKey(key));
    if (authorization === undefined && access === 'optional') return true;
    const known = authorization === undefined ? undefined : this.standing.knownLogin(authorization);
    return this.enterWhenKnown(context, request, known ?? this.verify(context, request));
  }

  override getAuthenticateOptions(): { property: keyof FastifyRequest } {
    return { property: 'signedLogin' };
  }

  override handleRequest<TUser>(error: unknown, user: TUser | false, info: unknown): TUser {
    if (error) throw asAppError(error);
    if (user) return user;
    if (info instanceof Error && info.name === 'TokenExpiredError') throw new AppError('token_expired');
    throw new AppError('unauthenticated', undefined, { cause: info });
  }

  /** Signature and claims by passport, then the database. @throws AppError unauthenticated, token_expired */
  private async verify(context: ExecutionContext, request: FastifyRequest): Promise<RequestUser> {
    await super.canActivate(context);
    return this.standing.login(request.headers.authorization!, request.signedLogin!);
  }

  private enterWhenKnown(
    context: ExecutionContext,
    request: FastifyRequest,
    user: RequestUser | Promise<RequestUser>,
  ): boolean | Promise<boolean> {
    return user instanceof Promise
      ? user.then((known) => this.enter(context, request, known))
      : this.enter(context, request, user);
  }

  private enter(
    context: ExecutionContext,
    request: FastifyRequest,
    user: RequestUser,
  ): boolean | Promise<boolean> {
    request.user = user;
    const counting = this.limits.count(countedAs(user), context.switchToHttp().getResponse<FastifyReply>());
    if (counting) return counting.then(() => this.mayUse(context, user));
    return this.mayUse(context, user);
  }

  private mayUse(context: ExecutionContext, { scopes }: RequestUser): true {
    if (!scopes) return true;
    const needed = this.metadata<Scope>(context, NEEDS_SCOPE);
    if (!needed)
      throw new AppError('forbidden', 'API keys cannot use this route: send the access token of a login');
    if (!allows(scopes, needed))
      throw new AppError(
        'insufficient_scope',
        `This needs the scope ${needed}; the API key has ${scopes.join(', ')}`,
        {
          headers: {
            'www-authenticate': `Bearer realm="mediakiln", error="insufficient_scope", scope="${needed}"`,
          },
        },
      );
    return true;
  }

  private metadata<T>(context: ExecutionContext, key: symbol): T | undefined {
    return this.reflector.getAllAndOverride<T | undefined>(key, [context.getHandler(), context.getClass()]);
  }
}

const WITH_SCHEME = /^(?:bearer|token) +(mk_.*)$/i;

/** `Authorization` goes before `X-API-Key`; other words than an API key in it are left to whoever knows them. */
function apiKeyOf({ headers }: FastifyRequest): string | undefined {
  const { authorization, 'x-api-key': ownHeader } = headers;
  if (authorization !== undefined) return WITH_SCHEME.exec(authorization)?.[1];
  return typeof ownHeader === 'string' ? ownHeader : undefined;
}
