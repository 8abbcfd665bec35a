import type { MediaKind, MediaStatus } from '@mediakiln/contracts';
import { Media } from '@mediakiln/entities';
import type { EntityManager, SelectQueryBuilder } from 'typeorm';

export const MEDIA_ORDERS = ['newest', 'oldest'] as const;
export type MediaOrder = (typeof MEDIA_ORDERS)[number];

export interface MediaQuery {
  limit: number;
  /** Default: `newest`. */
  order?: MediaOrder;
  /** Only media that come after this one in that order. */
  after?: { id: string };
  kind?: MediaKind;
  status?: MediaStatus;
  /** Part of the name, in whatever case. */
  name?: string;
  tag?: string;
  created_after?: Date;
  created_before?: Date;
}

/** Clocks of gateways and database may be apart by as much: ids tell the former, `created_at` the latter. */
const CLOCK_SLACK_MS = 86_400_000;

/** To the millisecond, as answers tell it: what was created at a time is neither after nor before it. */
const SHOWN_TIME = "date_trunc('milliseconds', media.created_at)";

/**
 * An owner's media along the index (owner_id, id): ids are UUIDv7, so their order is that of creation. A stretch of
 * time is turned into one of ids as well, and nothing outside of it is read.
 */
export function listQuery(
  manager: EntityManager,
  ownerId: string,
  query: MediaQuery,
): SelectQueryBuilder<Media> {
  const isNewest = (query.order ?? 'newest') === 'newest';
  const select = manager
    .createQueryBuilder(Media, 'media')
    .where('media.owner_id = :ownerId AND media.thumbnail_of IS NULL', { ownerId })
    .orderBy('media.id', isNewest ? 'DESC' : 'ASC')
    .limit(query.limit);
  const { after, kind, status, name, tag, created_after: from, created_before: to } = query;
  if (after) select.andWhere(isNewest ? 'media.id < :after' : 'media.id > :after', { after: after.id });
  if (kind) select.andWhere('media.kind = :kind', { kind });
  if (status) select.andWhere('media.status = :status', { status });
  if (name) select.andWhere('media.name ILIKE :name', { name: `%${escapeLike(name)}%` });
  if (tag) select.andWhere('media.tags @> ARRAY[:tag]::text[]', { tag });
  if (from)
    select.andWhere(`${SHOWN_TIME} > :from AND media.id >= :fromId`, {
      from,
      fromId: firstIdAt(from.getTime() - CLOCK_SLACK_MS),
    });
  if (to)
    select.andWhere(`${SHOWN_TIME} < :to AND media.id <= :toId`, {
      to,
      toId: firstIdAt(to.getTime() + CLOCK_SLACK_MS),
    });
  return select;
}

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&');

const LAST_MS = 2 ** 48 - 1;

/** Not above any UUIDv7 that was made then or later. */
function firstIdAt(ms: number): string {
  const hex = Math.min(Math.max(ms, 0), LAST_MS).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
