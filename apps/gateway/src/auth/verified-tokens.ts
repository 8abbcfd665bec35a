import { Injectable } from '@nestjs/common';
import type { RequestUser } from '../http/access';

const MOST_REMEMBERED = 10_000;
/** Ours are shorter; a client could pad a good one with blanks to fill our memory. */
const LONGEST_HEADER = 1_024;

interface Verified {
  user: RequestUser;
  expiresAtMs: number;
}

/**
 * Authorization headers whose token was found good, until the token expires: a signature does not change, and checking
 * it again would be most of the work of a cheap request.
 */
@Injectable()
export class VerifiedTokens {
  private readonly byHeader = new Map<string, Verified>();

  find(header: string): RequestUser | undefined {
    const verified = this.byHeader.get(header);
    if (!verified) return undefined;
    if (Date.now() < verified.expiresAtMs) return verified.user;
    this.byHeader.delete(header);
    return undefined;
  }

  remember(header: string, user: RequestUser, expiresAtMs: number): void {
    if (header.length > LONGEST_HEADER) return;
    // The oldest goes: with tokens that live for minutes it is the next to expire.
    if (this.byHeader.size >= MOST_REMEMBERED) this.byHeader.delete(this.byHeader.keys().next().value!);
    this.byHeader.set(header, { user: Object.freeze(user), expiresAtMs });
  }
}
