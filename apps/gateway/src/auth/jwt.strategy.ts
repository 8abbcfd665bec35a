import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { AccessTokens, TOKEN_RULES } from './access-tokens';
import type { SignedLogin } from './standing';

interface Claims {
  sub?: unknown;
  role?: unknown;
  exp?: unknown;
  sid?: unknown;
}

@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
  constructor(tokens: AccessTokens) {
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
    });
  }

  /** The signature is good; whether the login still stands, the guard asks the database. */
  validate({ sub, role, exp, sid }: Claims): SignedLogin {
    if (!isUuid(sub) || !isUuid(sid) || typeof exp !== 'number' || (role !== 'user' && role !== 'admin'))
      throw new AppError('unauthenticated');
    return { userId: sub, familyId: sid, expiresAtMs: exp * 1_000 };
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const isUuid = (value: unknown): value is string => typeof value === 'string' && UUID.test(value);

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
