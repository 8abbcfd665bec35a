import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';

export const LIST_ORDERS = ['newest', 'oldest'] as const;
export type ListOrder = (typeof LIST_ORDERS)[number];

/** Which part of a list, in which order. */
export interface Stretch {
  limit: number;
  /** By time of creation. Default: `newest`. */
  order?: ListOrder;
  /** Only rows that come after the one with this id in that order: the keyset cursor. */
  after?: string;
  created_after?: Date;
  created_before?: Date;
}

/** Clocks of gateways and database may be apart by as much: ids tell the former, `created_at` the latter. */
const CLOCK_SLACK_MS = 86_400_000;

/**
 * Narrows a list along an index that ends with the id: ids are UUIDv7, so their order is that of creation. A stretch of
 * time is turned into one of ids as well, and nothing outside of it is read.
 */
export function alongIds<T extends ObjectLiteral>(select: SelectQueryBuilder<T>, stretch: Stretch): void {
  const row = select.alias;
  const isNewest = (stretch.order ?? 'newest') === 'newest';
  select.orderBy(`${row}.id`, isNewest ? 'DESC' : 'ASC').limit(stretch.limit);
  const { after, created_after: from, created_before: to } = stretch;
  // To the millisecond, as answers tell it: what was created at a time is neither after nor before it.
  const shownTime = `date_trunc('milliseconds', ${row}.created_at)`;
  if (after) select.andWhere(`${row}.id ${isNewest ? '<' : '>'} :after`, { after });
  if (from)
    select.andWhere(`${shownTime} > :from AND ${row}.id >= :fromId`, {
      from,
      fromId: firstIdAt(from.getTime() - CLOCK_SLACK_MS),
    });
  if (to)
    select.andWhere(`${shownTime} < :to AND ${row}.id <= :toId`, {
      to,
      toId: firstIdAt(to.getTime() + CLOCK_SLACK_MS),
    });
}

const LAST_MS = 2 ** 48 - 1;

/** Not above any UUIDv7 that was made then or later. */
function firstIdAt(ms: number): string {
  const hex = Math.min(Math.max(ms, 0), LAST_MS).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
