import { Injectable } from '@nestjs/common';
import { AppError, type MediaKind } from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { MediaContent } from '../present/media.content';
import { nameOfPart } from '../present/player-texts';
import { LinkAccesses } from './link.accesses';
import { LinkDownloads } from './link.downloads';
import { LinkPasses } from './link.passes';
import { type SharedLink, SharedLinks } from './shared-links';

/** Asked about every time: a revoked link must not live on in a cache. */
const CACHE_CONTROL = 'private, no-cache';

/** Something else than Bearer or Basic: no account helps, and no browser must open a dialog of its own. */
const CHALLENGE = { 'www-authenticate': 'Cookie realm="link", cookie-name="link_pass"' };

/** What is behind a link, for whoever has its token; whichever address the token stood in. */
@Injectable()
export class SharedFileService {
  constructor(
    private readonly links: SharedLinks,
    private readonly passes: LinkPasses,
    private readonly accesses: LinkAccesses,
    private readonly downloads: LinkDownloads,
    private readonly content: MediaContent,
  ) {}

  /**
   * @param kind where only one is served: there is no other link.
   * @throws AppError not_found, link_expired, link_revoked, link_exhausted, link_password_required,
   * range_not_satisfiable
   */
  async send(token: string, request: FastifyRequest, reply: FastifyReply, kind?: MediaKind): Promise<void> {
    const link = await this.links.find(token);
    if (kind !== undefined && link.media.kind !== kind)
      throw new AppError('not_found', `There is no ${kind} behind this link`);
    await this.sendOf(link, { token, media: link.media, isPart: false }, request, reply);
  }

  /**
   * What the playlist or the track behind a link names, and nothing else. Every rule of the link holds here too.
   * @param name as it stands in the text.
   */
  async sendPart(token: string, name: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const link = await this.links.find(token);
    const media = (await this.links.partsOf(link)).find((part) => nameOfPart(part) === name);
    if (!media) throw new AppError('not_found', 'There is no such file behind this link');
    await this.sendOf(link, { token, media, isPart: true }, request, reply);
  }

  private async sendOf(
    link: SharedLink,
    { token, media, isPart }: { token: string; media: Media; isPart: boolean },
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const visit = this.accesses.follow(link.id, request, reply);
    void reply.header('x-robots-tag', 'noindex');
    if (link.end) throw link.end;
    if (!this.passes.admits(link, request.headers.cookie)) throw passwordRequired();
    // A range may be a player's jump: whether bytes of its dropped request come back is seen when it reserves.
    const isRange = request.headers.range !== undefined;
    if (link.isUsedUp && !isRange) throw new AppError('link_exhausted', '0 bytes are left');
    await this.content.send(request, reply, media, {
      cacheControl: CACHE_CONTROL,
      addressOf: (_part, name) => this.passes.addressOf(token, name),
      beforeText: async (bytes) => {
        if (!isPart) await this.downloads.count(link);
        visit.body = { sentBytes: bytes };
      },
      beforeBytes: async (source, bytes) =>
        (visit.body = await this.downloads.start(link, source, reply.raw, { bytes, isRange, isPart })),
    });
  }
}

const passwordRequired = (): AppError =>
  new AppError(
    'link_password_required',
    'POST the password to this address, as JSON or as a form, and send the cookie of the answer along',
    { headers: CHALLENGE },
  );
