import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { type Media, ShareLink } from '@mediakiln/entities';
import { MediaStore } from '@mediakiln/media';
import { DataSource } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { createToken, hashOfToken } from './link.token';

/** Locks the media's row: one that is being deleted gets no link any more. */
const INSERT = `
INSERT INTO share_link (id, owner_id, media_id, token_hash, expires_at)
SELECT $1, owner_id, id, $4, now() + make_interval(secs => $5)
FROM media WHERE id = $2 AND owner_id = $3 FOR KEY SHARE`;

/** Public addresses of media that end by themselves or are revoked. The database's clock decides. */
@Injectable()
export class LinksService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly media: MediaStore,
  ) {}

  /**
   * @returns the link and its token, which nobody can tell again.
   * @throws AppError not_found, media_not_ready, media_failed
   */
  async create(
    ownerId: string,
    mediaId: string,
    expirySeconds: number,
  ): Promise<{ link: ShareLink; token: string }> {
    const media = await this.shareable(ownerId, mediaId);
    const [id, token] = [uuidv7(), createToken()];
    await this.dataSource.query(INSERT, [id, media.id, ownerId, hashOfToken(token), expirySeconds]);
    const link = await this.dataSource.manager.findOneBy(ShareLink, { id });
    if (!link) throw new AppError('not_found', 'There is no media with this id');
    return { link, token };
  }

  /** A revoked link stays revoked, so that asking twice is no error. `latest` is the caller's newest. @throws AppError not_found */
  async revoke(ownerId: string, linkId: string): Promise<void> {
    const [, revoked] = await this.dataSource.query<[unknown, number]>(
      `UPDATE share_link SET revoked_at = coalesce(revoked_at, now())
       WHERE owner_id = $1 AND id::text = CASE WHEN $2 = 'latest'
         THEN (SELECT id::text FROM share_link WHERE owner_id = $1 ORDER BY id DESC LIMIT 1) ELSE lower($2) END`,
      [ownerId, linkId],
    );
    if (revoked === 0) throw new AppError('not_found', 'There is no link with this id');
  }

  /** What a visitor's token opens. @throws AppError not_found, link_revoked, link_expired */
  async open(token: string): Promise<{ linkId: string; media: Media }> {
    const hash = hashOfToken(token);
    const rows = await this.dataSource.query<
      { id: string; media_id: string; is_revoked: boolean; is_expired: boolean; expires_at: Date }[]
    >(
      `SELECT id, media_id, expires_at, revoked_at IS NOT NULL AS is_revoked, expires_at <= now() AS is_expired
       FROM share_link WHERE token_hash = $1`,
      [hash],
    );
    const link = rows[0];
    const media = link && (await this.media.findGranted(link.media_id));
    if (!media) throw new AppError('not_found', 'There is no such link');
    if (link.is_revoked) throw new AppError('link_revoked');
    if (link.is_expired)
      throw new AppError('link_expired', `The link expired at ${link.expires_at.toISOString()}`);
    return { linkId: link.id, media };
  }

  async countDownload(linkId: string): Promise<void> {
    await this.dataSource.query('UPDATE share_link SET downloads = downloads + 1 WHERE id = $1', [linkId]);
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
