import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppError, withoutTrailingSlashes } from '@mediakiln/contracts';
import { AppConfig } from '@mediakiln/config';

/** Part of what is signed; another value makes every address that was given out invalid. */
const KEY_ID = '1';
/** An address stays the same for this part of its life, so that browsers can cache what is behind it. */
const STEPS_PER_LIFE = 60;

/** Absolute addresses of this installation, and those that open without a login because they are signed. */
@Injectable()
export class MediaUrls {
  private readonly key: Buffer;
  private readonly lifeSeconds: number;
  private base: string;
  private readonly isBaseFixed: boolean;

  constructor(config: AppConfig) {
    this.key = Buffer.from(hkdfSync('sha256', config.jwtSecret, '', 'mediakiln media urls', 32));
    this.lifeSeconds = config.mediaUrlTtl;
    this.isBaseFixed = config.publicUrl !== undefined;
    this.base = withoutTrailingSlashes(config.publicUrl ?? `http://localhost:${config.port}`);
  }

  /** The gateway says here where it listens, which with PORT=0 nobody knows earlier. PUBLIC_URL has precedence. */
  listeningOn(port: number): void {
    if (!this.isBaseFixed) this.base = `http://localhost:${port}`;
  }

  /** @param path with a leading slash. */
  absolute(path: string): string {
    return this.base + path;
  }

  contentUrl(mediaId: string): string {
    return this.signed(`/v1/media/${mediaId}/content`);
  }

  /**
   * The same, with a name at its end, since some players take no segment whose address has no extension. It is no part of
   * what is signed.
   * @param exp of an address that opened already: this one ends with it. Default: a life of its own.
   */
  partUrl(mediaId: string, name: string, exp?: string): string {
    return this.signed(`/v1/media/${mediaId}/content`, { exp, more: `/${name}` });
  }

  thumbnailUrl(mediaId: string): string {
    return this.signed(`/v1/media/${mediaId}/thumbnail`);
  }

  /**
   * @param path as it was signed, without the query.
   * @throws AppError invalid_signature when it was not signed by us, or its time is over.
   */
  verify(path: string, exp: string, sig: string): void {
    const expected = this.sign(path, exp);
    const given = Buffer.from(sig);
    const isOurs = given.length === expected.length && timingSafeEqual(given, expected);
    if (!isOurs || Number(exp) <= Date.now() / 1000) throw new AppError('invalid_signature');
  }

  private signed(path: string, { exp = this.expiry(), more = '' } = {}): string {
    return `${this.absolute(path + more)}?exp=${exp}&sig=${this.sign(path, exp).toString()}`;
  }

  private expiry(): string {
    const step = Math.max(1, Math.floor(this.lifeSeconds / STEPS_PER_LIFE));
    const now = Math.floor(Date.now() / 1000);
    return String(now - (now % step) + this.lifeSeconds);
  }

  private sign(path: string, exp: string): Buffer {
    const mac = createHmac('sha256', this.key).update(`${KEY_ID}\n${path}\n${exp}`);
    return Buffer.from(mac.digest('base64url'));
  }
}
