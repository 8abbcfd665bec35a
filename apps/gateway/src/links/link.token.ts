import { createHash, randomBytes } from 'node:crypto';

export const TOKEN_BYTES = 32;

/** A new secret; in addresses it stands as base64url. */
export const newToken = (): Buffer => randomBytes(TOKEN_BYTES);

export const hashOf = (token: Buffer): string => createHash('sha256').update(token).digest('hex');

/** What is kept of a token; undefined for what cannot be one, also for another spelling of the same bytes. */
export function hashOfToken(token: string): string | undefined {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== TOKEN_BYTES || bytes.toString('base64url') !== token) return undefined;
  return hashOf(bytes);
}
