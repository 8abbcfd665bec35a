import type { MediaKind, MediaStatus } from '@mediakiln/contracts';
import { Media, type Stretch, alongIds } from '@mediakiln/entities';
import type { EntityManager, SelectQueryBuilder } from 'typeorm';

export interface MediaQuery extends Stretch {
  kind?: MediaKind;
  status?: MediaStatus;
  /** Part of the name, in whatever case. */
  name?: string;
  tag?: string;
}

/**
 * An owner's media along the index (owner_id, id).
 */
export function listQuery(
  manager: EntityManager,
  ownerId: string,
  query: MediaQuery,
): SelectQueryBuilder<Media> {
  const select = manager
    .createQueryBuilder(Media, 'media')
    .where('media.owner_id = :ownerId AND media.thumbnail_of IS NULL', { ownerId });
  alongIds(select, query);
  const { kind, status, name, tag } = query;
  if (kind) select.andWhere('media.kind = :kind', { kind });
  if (status) select.andWhere('media.status = :status', { status });
  if (name) select.andWhere('media.name ILIKE :name', { name: `%${escapeLike(name)}%` });
  if (tag) select.andWhere('media.tags @> ARRAY[:tag]::text[]', { tag });
  return select;
}

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&');
