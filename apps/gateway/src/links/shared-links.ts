import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import type { Media } from '@mediakiln/entities';
import { MediaStore } from '@mediakiln/media';
import { DataSource } from 'typeorm';
import { hashOfToken } from './link.token';

/** A link as its visitors meet it. */
export interface SharedLink {
  id: string;
  media: Media;
  password_hash: string | null;
  /** Why it opens no more. */
  end?: AppError;
  /** Whether nothing is left of its bytes; what running downloads do not need may still come back. */
  isUsedUp: boolean;
}

interface Row {
  id: string;
  media_id: string;
  password_hash: string | null;
  expires_at: Date;
  is_revoked: boolean;
  is_expired: boolean;
  is_used_up: boolean;
}

const SELECT = `
SELECT id, media_id, password_hash, expires_at, revoked_at IS NOT NULL AS is_revoked,
  expires_at <= now() AS is_expired, coalesce(bytes_left = 0, false) AS is_used_up
FROM share_link`;

/** Condition and change are one statement: of any number of requests at once, none gets a byte too much. */
const RESERVE = `
UPDATE share_link SET downloads = downloads + $3, bytes_left = bytes_left - $2
WHERE id = $1 AND revoked_at IS NULL AND expires_at > now() AND (bytes_left IS NULL OR bytes_left >= $2)`;

/** The visitors' side of links. Nothing is cached: every request asks the database, whose clock decides. */
@Injectable()
export class SharedLinks {
  constructor(
    private readonly database: DataSource,
    private readonly media: MediaStore,
  ) {}

  /** @throws AppError not_found */
  async find(token: string): Promise<SharedLink> {
    const rows = await this.database.query<Row[]>(`${SELECT} WHERE token_hash = $1`, [hashOfToken(token)]);
    const row = rows[0];
    const media = row && (await this.media.findGranted(row.media_id));
    if (!row || media?.status !== 'ready') throw new AppError('not_found', 'There is no such link');
    return { id: row.id, media, password_hash: row.password_hash, end: endOf(row), isUsedUp: row.is_used_up };
  }

  /** What the playlist or the track behind a link names; of any other media nothing. */
  partsOf({ media }: SharedLink): Promise<Media[]> {
    return this.media.partsOf(media);
  }

  /**
   * Counts downloads, and takes their bytes out of what the link may still give.
   * @throws AppError link_exhausted when less is left; link_revoked, link_expired, not_found when it has just ended.
   */
  async reserve(linkId: string, bytes: number, downloads: number): Promise<void> {
    const [, reserved] = await this.database.query<[unknown, number]>(RESERVE, [linkId, bytes, downloads]);
    if (reserved > 0) return;
    const rows = await this.database.query<(Row & { bytes_left: string })[]>(
      `SELECT link.*, share_link.bytes_left FROM (${SELECT} WHERE id = $1) AS link JOIN share_link USING (id)`,
      [linkId],
    );
    if (!rows[0]) throw new AppError('not_found', 'There is no such link');
    throw (
      endOf(rows[0]) ??
      new AppError(
        'link_exhausted',
        `${rows[0].bytes_left} bytes are left, and this request asks for ${bytes}`,
      )
    );
  }

  async giveBack(linkId: string, bytes: number): Promise<void> {
    await this.database.query('UPDATE share_link SET bytes_left = bytes_left + $2 WHERE id = $1', [
      linkId,
      bytes,
    ]);
  }

  /** @returns those of the links that were revoked or are gone with their media. */
  async revokedAmong(linkIds: string[]): Promise<string[]> {
    const rows = await this.database.query<{ id: string }[]>(
      `SELECT asked.id FROM unnest($1::uuid[]) AS asked (id)
       LEFT JOIN share_link link ON link.id = asked.id AND link.revoked_at IS NULL WHERE link.id IS NULL`,
      [linkIds],
    );
    return rows.map(({ id }) => id);
  }
}

function endOf(row: Row): AppError | undefined {
  if (row.is_revoked) return new AppError('link_revoked');
  if (row.is_expired)
    return new AppError('link_expired', `The link expired at ${row.expires_at.toISOString()}`);
  return undefined;
}
