import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AppError } from '@mediakiln/contracts';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { ACCESS, type Access } from '../http/access';
import { VerifiedTokens } from './verified-tokens';

/** On every route: a token is needed unless the route says otherwise, so that none is open by mistake. */
@Injectable()
export class JwtGuard extends AuthGuard('jwt') {
  constructor(
    private readonly reflector: Reflector,
    private readonly verified: VerifiedTokens,
  ) {
    super();
  }

  override canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const access =
      this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [
        context.getHandler(),
        context.getClass(),
      ]) ?? 'token';
    if (access === 'public') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const header = request.headers.authorization;
    if (header === undefined && access === 'optional') return true;
    const known = header === undefined ? undefined : this.verified.find(header);
    if (!known) return super.canActivate(context) as Promise<boolean>;
    request.user = known;
    return true;
  }

  override handleRequest<TUser>(error: unknown, user: TUser | false, info: unknown): TUser {
    if (error) throw AppError.from(error);
    if (user) return user;
    if (info instanceof Error && info.name === 'TokenExpiredError') throw new AppError('token_expired');
    throw new AppError('unauthenticated', undefined, { cause: info });
  }
}
