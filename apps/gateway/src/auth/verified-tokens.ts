import type { RequestUser } from '../http/access';

const MOST_REMEMBERED = 10_000;
/** Ours are shorter; a client could pad a good one with blanks to fill our memory. */
const LONGEST_TOKEN = 1_024;
/** A logout, a revocation or a deletion that another replica served bites here within this time. */
const RECHECK_MS = 1_000;

/** Asks the database. @throws AppError unauthenticated when the login, the key or its user is gone. */
export type Check = () => Promise<RequestUser>;

interface Verified {
  user: RequestUser;
  check: Check;
  expiresAtMs: number;
  /** On the monotonic clock, when the last answered question was asked. */
  checkedAtMs: number;
  checking?: Promise<RequestUser>;
}

/**
 * Tokens that were found good. A signature does not change, and checking it again would be most of the work of a cheap
 * request; whether the login behind it still stands is asked once a second, by one request for all.
 */
export class VerifiedTokens {
  private readonly byToken = new Map<string, Verified>();
  /** First sights in flight: a hundred requests with the same new token are one question. */
  private readonly firstSights = new Map<string, Promise<RequestUser>>();
  private forgotten = 0;

  /** @returns undefined for a token to be verified; a promise where the database has to be asked again. */
  find(token: string): RequestUser | Promise<RequestUser> | undefined {
    const verified = this.byToken.get(token);
    if (!verified) return undefined;
    if (Date.now() >= verified.expiresAtMs) {
      this.byToken.delete(token);
      return undefined;
    }
    if (performance.now() - verified.checkedAtMs < RECHECK_MS) return verified.user;
    return (verified.checking ??= this.recheck(token, verified).finally(
      () => (verified.checking = undefined),
    ));
  }

  /** For a token whose signature or hash is known to be ours. @throws what `check` throws. */
  admit(token: string, expiresAtMs: number, check: Check): Promise<RequestUser> {
    const seen = this.firstSights.get(token);
    if (seen) return seen;
    const first = this.ask(token, expiresAtMs, check).finally(() => this.firstSights.delete(token));
    this.firstSights.set(token, first);
    return first;
  }

  /** What this process ends itself ends at once here. */
  forget(isOver: (user: RequestUser) => boolean): void {
    this.forgotten += 1;
    for (const [token, { user }] of this.byToken) if (isOver(user)) this.byToken.delete(token);
  }

  private async ask(token: string, expiresAtMs: number, check: Check): Promise<RequestUser> {
    const [checkedAtMs, forgotten] = [performance.now(), this.forgotten];
    const user = Object.freeze(await check());
    // Something ended while we asked; perhaps this, after the database had answered.
    if (forgotten === this.forgotten) this.remember(token, { user, check, expiresAtMs, checkedAtMs });
    return user;
  }

  private async recheck(token: string, verified: Verified): Promise<RequestUser> {
    const askedAtMs = performance.now();
    try {
      verified.user = Object.freeze(await verified.check());
      verified.checkedAtMs = askedAtMs;
      return verified.user;
    } catch (error) {
      // Asked anew by the next request: the database may only have been away.
      if (this.byToken.get(token) === verified) this.byToken.delete(token);
      throw error;
    }
  }

  private remember(token: string, verified: Verified): void {
    if (token.length > LONGEST_TOKEN) return;
    // The oldest goes: with tokens that live for minutes it is the next to expire.
    if (this.byToken.size >= MOST_REMEMBERED) this.byToken.delete(this.byToken.keys().next().value!);
    this.byToken.set(token, verified);
  }
}
