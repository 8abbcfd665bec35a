import type { RequestUser } from './access';

/** A login or an API key, and whose it is: what is left of a caller in a ticket and behind an open stream. */
export type Credential = Pick<RequestUser, 'id' | 'credential'>;

/** What features may ask about logins and API keys, which belong to auth/. */
export abstract class Credentials {
  /**
   * As they are now, asked of the database at once for all.
   * @returns those that neither ended nor expired, of accounts that are there, in no order.
   */
  abstract standing(credentials: Credential[]): Promise<RequestUser[]>;
}
