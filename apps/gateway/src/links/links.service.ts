import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { type Media, ShareLink } from '@mediakiln/entities';
import { MediaStore } from '@mediakiln/media';
import { DataSource } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { type Answered, Idempotency, goneSince } from '../http/idempotency';
import { type KeyedRequest, keyedRequest } from '../http/idempotency-key';
import { decodeIdCursor } from '../http/page';
import { PasswordHasher } from '../http/password-hasher';
import { LinkTokens, hashOf } from './link.token';
import type { LinkListQuery, LinkRequest, LinkState } from './links.dto';

/**
 * Locks the media's row: one that is being deleted gets no link any more. A playlist or a track weighs as much as what it
 * names, and nothing itself.
 */
const INSERT = `
INSERT INTO share_link (id, owner_id, media_id, token_hash, expires_at, max_downloads, bytes_left, password_hash)
SELECT $1, owner_id, id, $4, now() + make_interval(secs => $5), $6::int, $6::int::bigint * CASE
    WHEN probe->>'kind' = 'other' THEN (
      SELECT coalesce(sum(part.bytes), 0)::bigint FROM media part
      WHERE part.job_id = media.job_id AND part.owner_id = $3 AND part.kind <> 'other'
        AND part.variant IN (SELECT jsonb_array_elements_text(media.probe->'parts')))
    ELSE bytes END, $7
FROM media WHERE id = $2 AND owner_id = $3 FOR KEY SHARE`;

/** Every link is in exactly one. */
const IN_STATE = {
  active: 'link.revoked_at IS NULL AND link.expires_at > now() AND link.bytes_left IS DISTINCT FROM 0',
  expired: 'link.revoked_at IS NULL AND link.expires_at <= now()',
  revoked: 'link.revoked_at IS NOT NULL',
  exhausted: 'link.revoked_at IS NULL AND link.expires_at > now() AND link.bytes_left = 0',
} satisfies Record<LinkState, string>;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface TokenedLink {
  link: ShareLink;
  /** As it stands in the address; null when it cannot be told any more. */
  token: string | null;
}

/** The owner's side of links: public addresses of media that end by themselves or are revoked. */
@Injectable()
export class LinksService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly media: MediaStore,
    private readonly passwords: PasswordHasher,
    private readonly tokens: LinkTokens,
    private readonly idempotency: Idempotency,
  ) {}

  /**
   * @param key with it, the same request can be told the same address again.
   * @throws AppError not_found, media_not_ready, media_failed, idempotency_key_reused, idempotency_key_in_use
   */
  async create(
    ownerId: string,
    mediaId: string,
    request: LinkRequest,
    key?: string,
  ): Promise<Answered<TokenedLink>> {
    const { password, ...told } = request;
    // No hash of a password may be kept that is quicker to guess at than its own.
    const body = { ...told, has_password: password != null };
    const keyed = keyedRequest(ownerId, key, 'POST /v1/media/{id}/links', mediaId, body);
    const madeBefore = await this.idempotency.madeBefore(keyed);
    if (madeBefore !== undefined) return this.again(keyed!, madeBefore, password);

    const media = await this.shareable(ownerId, mediaId);
    const passwordHash = password == null ? null : await this.passwords.hash(password);
    const once = await this.idempotency.once(keyed, async (tx) => {
      const id = uuidv7();
      const token = this.tokens.make(id, keyed);
      const { expiry_time, max_downloads = null } = request;
      const values = [id, media.id, ownerId, hashOf(token), expiry_time, max_downloads, passwordHash];
      await tx.query(INSERT, values);
      const link = await tx.findOneBy(ShareLink, { id });
      if (!link) throw new AppError('not_found', 'There is no media with this id');
      return { id, link, token: token.toString('base64url') };
    });
    return 'made' in once
      ? { resource: once.made, isReplay: false }
      : this.again(keyed!, once.madeBefore, password);
  }

  private async again(
    keyed: KeyedRequest,
    id: string,
    password: string | null | undefined,
  ): Promise<Answered<TokenedLink>> {
    const link = await this.dataSource.manager.findOneBy(ShareLink, { id, owner_id: keyed.owner_id });
    if (!link) throw goneSince();
    if (password != null && !(await this.passwords.matches(password, link.password_hash ?? undefined)))
      throw new AppError('idempotency_key_reused', 'This Idempotency-Key came with another password before');
    return { resource: { link, token: this.tokens.again(link, keyed) }, isReplay: true };
  }

  /** `limit + 1` links, newest first: ids are UUIDv7. @throws AppError invalid_cursor */
  list(ownerId: string, query: LinkListQuery): Promise<ShareLink[]> {
    const links = this.dataSource.manager
      .createQueryBuilder(ShareLink, 'link')
      .where('link.owner_id = :ownerId', { ownerId });
    const before = decodeIdCursor(query.cursor);
    if (before !== undefined) links.andWhere('link.id < :before', { before });
    if (query.media_id !== undefined) links.andWhere('link.media_id = :mediaId', { mediaId: query.media_id });
    if (query.state !== undefined) links.andWhere(IN_STATE[query.state]);
    return links
      .orderBy('link.id', 'DESC')
      .limit(query.limit + 1)
      .getMany();
  }

  /** `latest` is the caller's newest. @throws AppError not_found */
  async find(ownerId: string, id: string): Promise<ShareLink> {
    const named = id === 'latest' ? {} : UUID.test(id) ? { id } : undefined;
    const link =
      named &&
      (await this.dataSource.manager.findOne(ShareLink, {
        where: { owner_id: ownerId, ...named },
        order: { id: 'DESC' },
      }));
    if (!link) throw new AppError('not_found', 'There is no link with this id');
    return link;
  }

  /** A revoked link stays revoked, so that asking twice is no error. `latest` is the caller's newest. @throws AppError not_found */
  async revoke(ownerId: string, id: string): Promise<void> {
    const link = await this.find(ownerId, id);
    await this.dataSource.query(
      'UPDATE share_link SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL',
      [link.id],
    );
  }

  private async shareable(ownerId: string, mediaId: string): Promise<Media> {
    const media = await this.media.findOrLatest(ownerId, mediaId);
    if (!media) throw new AppError('not_found', 'There is no media with this id');
    if (media.status === 'processing')
      throw new AppError('media_not_ready', 'The media is still being probed: share it when it is ready');
    if (media.status === 'failed') throw new AppError('media_failed', media.error_detail ?? undefined);
    return media;
  }
}
