import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError } from '@mediakiln/contracts';
import type { User } from '@mediakiln/entities';
import { networkOf } from '../http/network';
import { PasswordHasher } from '../http/password-hasher';
import { Throttle } from '../http/throttle';
import { Accounts } from './accounts';

const WINDOW_SECONDS = 15 * 60;
const OF_ACCOUNT = { what: 'wrong passwords of one account', limit: 5, windowSeconds: WINDOW_SECONDS };
const OF_ADDRESS = { what: 'failed logins from one address', limit: 30, windowSeconds: WINDOW_SECONDS };
/** Access tokens last as long as this window: a client refreshes once in it, in each of its tabs. */
const OF_LOGIN = { what: 'refreshes of one login', limit: 120, windowSeconds: WINDOW_SECONDS };
const HOUR_SECONDS = 3_600;

/**
 * Slows down whoever guesses. Passwords are counted before they are judged, and given back when they were right: an
 * office behind one address may log in as often as it likes.
 */
@Injectable()
export class Tries {
  constructor(
    private readonly accounts: Accounts,
    private readonly passwords: PasswordHasher,
    private readonly throttle: Throttle,
    private readonly config: AppConfig,
  ) {}

  /**
   * @throws AppError invalid_credentials, the same and after the same time for a wrong password and an unknown user;
   * too_many_requests, likewise.
   */
  async login(email: string, password: string, ip: string): Promise<User> {
    // The address itself is in no table of counts, which an unknown user would fill with what they mistyped.
    const account = `login:account:${createHash('sha256').update(email).digest('hex')}`;
    const address = `login:address:${networkOf(ip)}`;
    const user = await this.accounts.findByEmail(email);
    const isRight = await this.passwords.matches(password, user?.password_hash, async () => {
      await this.throttle.take(account, OF_ACCOUNT);
      await this.throttle.take(address, OF_ADDRESS).catch(async (error: unknown) => {
        // Whoever is stopped by address must not go on to use up the tries of other people's accounts.
        await this.throttle.giveBack(account);
        throw error;
      });
    });
    if (!user || !isRight) throw new AppError('invalid_credentials');
    await this.throttle.forget(account);
    await this.throttle.giveBack(address);
    return user;
  }

  /** The password of somebody who is logged in already. @throws AppError wrong_password, too_many_requests */
  async confirm(userId: string, password: string): Promise<User> {
    const user = await this.accounts.findById(userId);
    const key = `password:${userId}`;
    const isRight = await this.passwords.matches(password, user?.password_hash, () =>
      this.throttle.take(key, OF_ACCOUNT),
    );
    if (!user || !isRight) throw new AppError('wrong_password');
    await this.throttle.forget(key);
    return user;
  }

  /** Each refresh leaves a row for as long as its token could turn up again. @throws AppError too_many_requests */
  async refresh(familyId: string): Promise<void> {
    await this.throttle.take(`refresh:${familyId}`, OF_LOGIN);
  }

  /** @throws AppError too_many_requests */
  async registration(ip: string): Promise<void> {
    const limit = this.config.registrationsPerHour;
    if (limit === 0) return;
    const rule = { what: 'registrations from one address', limit, windowSeconds: HOUR_SECONDS };
    await this.throttle.take(`register:address:${networkOf(ip)}`, rule);
  }
}
