import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError } from '@mediakiln/contracts';
import { MediaUrls } from '@mediakiln/media';
import { networkOf } from '../http/network';
import { PasswordHasher } from '../http/password-hasher';
import { Throttle, type ThrottleRule } from '../http/throttle';
import type { SharedLink } from './shared-links';

const COOKIE = 'link_pass';
const LIFE_SECONDS = 3_600;
/** Cookies of one name that a browser may send for nested paths; more are somebody's game. */
const MOST_COOKIES = 5;

const WINDOW_SECONDS = 900;
const OF_VISITOR: ThrottleRule = {
  what: 'wrong passwords for this link from your address',
  limit: 5,
  windowSeconds: WINDOW_SECONDS,
};
const OF_LINK: ThrottleRule = {
  what: 'wrong passwords for this link',
  limit: 50,
  windowSeconds: WINDOW_SECONDS,
};

/** What a visitor gets for the password of a link: a cookie that opens this one link for an hour. */
@Injectable()
export class LinkPasses {
  private readonly key: Buffer;
  private readonly secure: string;

  constructor(
    config: AppConfig,
    private readonly urls: MediaUrls,
    private readonly passwords: PasswordHasher,
    private readonly throttle: Throttle,
  ) {
    this.key = Buffer.from(hkdfSync('sha256', config.jwtSecret, '', 'mediakiln link passes', 32));
    this.secure = config.publicUrl?.startsWith('https:') ? '; Secure' : '';
  }

  /** The link's path as browsers see it, behind a proxy that adds a prefix too. */
  pathOf(token: string): string {
    return new URL(this.urls.absolute(`/s/${token}`)).pathname;
  }

  /** Where a part of what is behind the link opens: below the link, so that its pass is sent along. */
  addressOf(token: string, part: string): string {
    return this.urls.absolute(`/s/${token}/${part}`);
  }

  /** Whether the visitor may open the link: it has no password, or he has a pass. */
  admits(link: SharedLink, cookies: string | undefined): boolean {
    if (link.password_hash === null) return true;
    return valuesOf(cookies).some((value) => this.isPass(link, value));
  }

  /**
   * @returns the `Set-Cookie` with a pass, for the link's address alone.
   * @throws AppError wrong_password, too_many_requests
   */
  async issue(link: SharedLink, visit: { token: string; password: string; ip: string }): Promise<string> {
    const ofLink = `link-password:${link.id}`;
    const ofVisitor = `${ofLink}:${networkOf(visit.ip)}`;
    const isRight = await this.passwords.matches(
      visit.password,
      link.password_hash ?? undefined,
      async () => {
        await this.throttle.take(ofVisitor, OF_VISITOR);
        await this.throttle.take(ofLink, OF_LINK);
      },
    );
    if (!isRight) throw new AppError('wrong_password');
    await this.throttle.forget(ofVisitor);
    await this.throttle.giveBack(ofLink);
    const expires = String(Math.floor(Date.now() / 1000) + LIFE_SECONDS);
    return (
      `${COOKIE}=${expires}.${this.sign(link, expires)}; Path=${this.pathOf(visit.token)}; ` +
      `Max-Age=${LIFE_SECONDS}; HttpOnly; SameSite=Lax${this.secure}`
    );
  }

  private isPass(link: SharedLink, value: string): boolean {
    const [expires, signature] = value.split('.', 2);
    if (!expires || !signature) return false;
    const [given, expected] = [Buffer.from(signature), Buffer.from(this.sign(link, expires))];
    const isOurs = given.length === expected.length && timingSafeEqual(given, expected);
    return isOurs && Number(expires) > Date.now() / 1000;
  }

  /** Over the password's hash too, so that a pass is of no use once that is another one. */
  private sign(link: SharedLink, expires: string): string {
    const mac = createHmac('sha256', this.key).update(`${link.id}\n${link.password_hash}\n${expires}`);
    return mac.digest('base64url');
  }
}

function valuesOf(cookies = ''): string[] {
  const start = `${COOKIE}=`;
  return cookies
    .split(';')
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie.startsWith(start))
    .slice(0, MOST_COOKIES)
    .map((cookie) => cookie.slice(start.length));
}
