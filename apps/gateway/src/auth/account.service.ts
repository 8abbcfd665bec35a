import { Injectable } from '@nestjs/common';
import type { User } from '@mediakiln/entities';
import { AccountPurge } from './account-purge';
import { Accounts } from './accounts';
import { Tries } from './tries';
import { type Family, type Login, Sessions } from './sessions';
import { Standing } from './standing';

/** Ways out: the end of a login, of all others, of the account. What ends here ends at once in this process. */
@Injectable()
export class AccountService {
  constructor(
    private readonly accounts: Accounts,
    private readonly tries: Tries,
    private readonly sessions: Sessions,
    private readonly standing: Standing,
    private readonly purge: AccountPurge,
  ) {}

  /** A login that is over, or never was, is no error: the caller wants it to be so. */
  async logout(family: Family | string): Promise<void> {
    const ending = typeof family === 'string' ? await this.sessions.findByToken(family) : family;
    if (!ending) return;
    await this.sessions.end(ending);
    this.standing.endLogin(ending.family_id);
  }

  /** @returns the one login that there is afterwards. @throws AppError wrong_password, too_many_requests */
  async changePassword(userId: string, current: string, next: string): Promise<{ user: User; login: Login }> {
    const user = await this.tries.confirm(userId, current);
    const login = await this.accounts.changePassword(user, next, async (tx, changed) => {
      await this.sessions.endAll(tx, userId);
      return this.sessions.open(changed, tx);
    });
    this.standing.endLoginsOf(userId);
    return { user, login };
  }

  /** @throws AppError wrong_password, too_many_requests, conflict */
  async delete(userId: string, password: string): Promise<void> {
    const user = await this.tries.confirm(userId, password);
    await this.accounts.markDeleted(user, (tx) => this.sessions.endAll(tx, userId));
    this.standing.endAllOf(userId);
    await this.purge.all(userId);
  }
}
