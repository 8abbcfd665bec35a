import { type KeyObject, createHash, createSecretKey } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { JwtService } from '@nestjs/jwt';
import type { RequestUser } from '../http/access';
import type { Family } from './sessions';

export const ACCESS_TOKEN_SECONDS = 15 * 60;
export const TOKEN_RULES = { issuer: 'mediakiln', audience: 'mediakiln-api', algorithm: 'HS256' } as const;

const SCHEME = /^(?:bearer|token) +/i;

/** The signing key of access tokens and its id. */
@Injectable()
export class AccessTokens {
  /** A KeyObject, not text: jsonwebtoken is some forty times faster with it. */
  readonly key: KeyObject;
  readonly keyId: string;

  constructor(
    config: AppConfig,
    private readonly jwt: JwtService,
  ) {
    const secret = Buffer.from(config.jwtSecret);
    this.key = createSecretKey(secret);
    this.keyId = createHash('sha256').update('key id:').update(secret).digest('hex').slice(0, 8);
  }

  issue(user: Pick<RequestUser, 'id' | 'role'>, sessionFamily: string): string {
    // JwtService takes a KeyObject wherever it takes text; only the type of this one option does not say so.
    const secret = this.key as unknown as Buffer;
    return this.jwt.sign(
      { role: user.role, sid: sessionFamily },
      { ...TOKEN_RULES, secret, keyid: this.keyId, subject: user.id, expiresIn: ACCESS_TOKEN_SECONDS },
    );
  }

  /** The login that an access token belongs to, even one that has expired; undefined when it is none of ours. */
  loginOf(authorization: string): Family | undefined {
    try {
      const { sub, sid } = this.jwt.verify<{ sub: string; sid: string }>(authorization.replace(SCHEME, ''), {
        secret: this.key as unknown as Buffer,
        algorithms: [TOKEN_RULES.algorithm],
        issuer: TOKEN_RULES.issuer,
        audience: TOKEN_RULES.audience,
        ignoreExpiration: true,
      });
      return { user_id: sub, family_id: sid };
    } catch {
      // Whatever is wrong with it, it is not ours.
      return undefined;
    }
  }
}
