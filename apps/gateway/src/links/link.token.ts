import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import type { ShareLink } from '@mediakiln/entities';
import type { KeyedRequest } from '../http/idempotency-key';

export const TOKEN_BYTES = 32;

/** The secrets of links; in addresses they stand as base64url. */
@Injectable()
export class LinkTokens {
  private readonly key: Buffer;

  constructor(config: AppConfig) {
    this.key = Buffer.from(hkdfSync('sha256', config.jwtSecret, '', 'mediakiln link tokens', 32));
  }

  /** Chance; for a request that may be repeated, bytes that only we can find again. */
  make(linkId: string, request: KeyedRequest | undefined): Buffer {
    return request ? this.derive(linkId, request) : randomBytes(TOKEN_BYTES);
  }

  /** @returns the token of a link that this request made; null when JWT_SECRET is another one since. */
  again(link: Pick<ShareLink, 'id' | 'token_hash'>, request: KeyedRequest): string | null {
    const token = this.derive(link.id, request);
    return hashOf(token) === link.token_hash ? token.toString('base64url') : null;
  }

  private derive(linkId: string, { owner_id, key }: KeyedRequest): Buffer {
    return createHmac('sha256', this.key)
      .update(JSON.stringify([owner_id, key, linkId]))
      .digest();
  }
}

export const hashOf = (token: Buffer): string => createHash('sha256').update(token).digest('hex');

/** What is kept of a token; undefined for what cannot be one, also for another spelling of the same bytes. */
export function hashOfToken(token: string): string | undefined {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== TOKEN_BYTES || bytes.toString('base64url') !== token) return undefined;
  return hashOf(bytes);
}
