import './hash-memory';
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { hash, verify } from '@node-rs/argon2';

const ARGON2ID = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** A hash takes one of libuv's few threads for tens of milliseconds and 19 MiB: more at a time would starve file work. */
const AT_ONCE = 2;
const MOST_WAITING = 100;

/**
 * argon2id, bounded: a flood of logins is turned away instead of taking the process down with it. One instance for
 * accounts and links, so that the bound holds for both together.
 */
@Injectable()
export class PasswordHasher {
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  /** Compared with when there is no such user, so that the time an answer takes does not tell. */
  private readonly decoy = hash(randomBytes(16), ARGON2ID);

  hash(password: string): Promise<string> {
    return this.withSlot(() => hash(password, ARGON2ID));
  }

  /**
   * @param stored the stored hash, or undefined when there is none: the answer is then always false.
   * @param first runs when the turn has come and may refuse: what counts tries there counts only as many at once as
   * there are turns, so that a burst of right passwords is not taken for an attack.
   */
  async matches(
    password: string,
    stored: string | undefined,
    first?: () => Promise<unknown>,
  ): Promise<boolean> {
    const against = stored ?? (await this.decoy);
    const isMatch = await this.withSlot(async () => {
      await first?.();
      return verify(against, password);
    });
    return isMatch && stored !== undefined;
  }

  private async withSlot<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= AT_ONCE) {
      if (this.waiting.length >= MOST_WAITING)
        throw new AppError('too_many_requests', `${MOST_WAITING} passwords are waiting already`);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else this.running += 1;
    try {
      return await work();
    } finally {
      // The slot goes straight to the next in line, or is given back.
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }
}
