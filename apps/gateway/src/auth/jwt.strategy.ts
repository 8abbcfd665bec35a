import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { ExtractJwt, Strategy } from 'passport-jwt';
import type { RequestUser } from '../http/access';
import { AccessTokens, TOKEN_RULES } from './access-tokens';
import { VerifiedTokens } from './verified-tokens';

interface Claims {
  sub?: unknown;
  role?: unknown;
  exp?: unknown;
  sid?: unknown;
}

@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
  constructor(
    tokens: AccessTokens,
    private readonly verified: VerifiedTokens,
  ) {
    super({
      // `Token` is what clients of the systems before this one send.
      jwtFromRequest: ExtractJwt.fromExtractors([
        ExtractJwt.fromAuthHeaderAsBearerToken(),
        ExtractJwt.fromAuthHeaderWithScheme('Token'),
      ]),
      secretOrKeyProvider: (_request: unknown, token: string, done: KeyReceiver) =>
        keyIdOf(token) === tokens.keyId
          ? done(null, tokens.key as unknown as Buffer)
          : done(new Error('unknown key')),
      algorithms: [TOKEN_RULES.algorithm],
      issuer: TOKEN_RULES.issuer,
      audience: TOKEN_RULES.audience,
      passReqToCallback: true,
    });
  }

  validate(request: FastifyRequest, { sub, role, exp, sid }: Claims): RequestUser {
    if (
      typeof sub !== 'string' ||
      typeof exp !== 'number' ||
      typeof sid !== 'string' ||
      (role !== 'user' && role !== 'admin')
    )
      throw new AppError('unauthenticated');
    const user = { id: sub, role, credential: sid } as const;
    this.verified.remember(request.headers.authorization!, user, exp * 1000);
    return user;
  }
}

type KeyReceiver = (error: Error | null, key?: Buffer) => void;

function keyIdOf(token: string): unknown {
  try {
    const header = JSON.parse(Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString()) as unknown;
    return (header as { kid?: unknown } | null)?.kid;
  } catch {
    // No JSON, no token of ours: the caller refuses it.
    return undefined;
  }
}
