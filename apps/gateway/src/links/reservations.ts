import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { SharedLinks } from './shared-links';

interface Wish {
  bytes: number;
  downloads: number;
  grant: () => void;
  refuse: (error: unknown) => void;
}

/**
 * One statement at a time for a link, and one for all who wait: they would queue for the link's row anyway, and a link
 * that everybody opens must not take every connection of the pool meanwhile.
 */
@Injectable()
export class Reservations {
  private readonly waiting = new Map<string, Wish[]>();

  constructor(private readonly links: SharedLinks) {}

  /** @throws AppError link_exhausted, link_revoked, link_expired, not_found */
  reserve(linkId: string, bytes: number, downloads = 1): Promise<void> {
    return new Promise((grant, refuse) => {
      const wish: Wish = { bytes, downloads, grant, refuse };
      const others = this.waiting.get(linkId);
      if (others) others.push(wish);
      else void this.serve(linkId, wish);
    });
  }

  private async serve(linkId: string, first: Wish): Promise<void> {
    const waiting: Wish[] = [];
    this.waiting.set(linkId, waiting);
    for (let wishes = [first]; wishes.length > 0; wishes = waiting.splice(0))
      await this.fulfil(linkId, wishes);
    this.waiting.delete(linkId);
  }

  private async fulfil(linkId: string, wishes: Wish[]): Promise<void> {
    try {
      const bytes = wishes.reduce((sum, wish) => sum + wish.bytes, 0);
      const downloads = wishes.reduce((sum, wish) => sum + wish.downloads, 0);
      await this.links.reserve(linkId, bytes, downloads);
      for (const wish of wishes) wish.grant();
    } catch (error) {
      const isTooMuch = error instanceof AppError && error.code === 'link_exhausted';
      if (isTooMuch && wishes.length > 1) for (const wish of wishes) await this.fulfil(linkId, [wish]);
      else for (const wish of wishes) wish.refuse(error);
    }
  }
}
