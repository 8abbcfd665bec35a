import type { JobStatus } from '@mediakiln/contracts';
import { Job } from '@mediakiln/entities';
import type { EntityManager, SelectQueryBuilder } from 'typeorm';

export const JOB_ORDERS = ['newest', 'oldest'] as const;
export type JobOrder = (typeof JOB_ORDERS)[number];

export interface JobFilter {
  limit: number;
  /** By time of creation. Default: `newest`. */
  order?: JobOrder;
  /** Only jobs that come after this one in that order: the keyset cursor. */
  after?: string;
  status?: JobStatus;
  operation?: string;
  created_after?: Date;
  created_before?: Date;
  /** Only jobs that have this media as an input. */
  media_id?: string;
}

/** Clocks of gateways and database may be apart by as much: ids tell the former, `created_at` the latter. */
const CLOCK_SLACK_MS = 86_400_000;

/** To the millisecond, as answers tell it: what was created at a time is neither after nor before it. */
const SHOWN_TIME = "date_trunc('milliseconds', job.created_at)";

/**
 * What an owner's requests asked for, along the index (owner_id, purpose, id): ids are UUIDv7, so their order is that of
 * creation. A stretch of time is turned into one of ids as well, and nothing outside of it is read. The jobs of one
 * media come from job_inputs_idx instead.
 */
export function listQuery(
  manager: EntityManager,
  ownerId: string,
  filter: JobFilter,
): SelectQueryBuilder<Job> {
  const isNewest = (filter.order ?? 'newest') === 'newest';
  const select = manager
    .createQueryBuilder(Job, 'job')
    .where("job.owner_id = :ownerId AND job.purpose = 'request'", { ownerId })
    .orderBy('job.id', isNewest ? 'DESC' : 'ASC')
    .limit(filter.limit);
  const { after, status, operation, created_after: from, created_before: to, media_id: mediaId } = filter;
  if (after) select.andWhere(isNewest ? 'job.id < :after' : 'job.id > :after', { after });
  if (status) select.andWhere('job.status = :status', { status });
  if (operation) select.andWhere('job.operation = :operation', { operation });
  if (from)
    select.andWhere(`${SHOWN_TIME} > :from AND job.id >= :fromId`, {
      from,
      fromId: firstIdAt(from.getTime() - CLOCK_SLACK_MS),
    });
  if (to)
    select.andWhere(`${SHOWN_TIME} < :to AND job.id <= :toId`, {
      to,
      toId: firstIdAt(to.getTime() + CLOCK_SLACK_MS),
    });
  if (mediaId)
    select.andWhere('job.inputs @> :inputs::jsonb', { inputs: JSON.stringify([{ media_id: mediaId }]) });
  return select;
}

const LAST_MS = 2 ** 48 - 1;

/** Not above any UUIDv7 that was made then or later. */
function firstIdAt(ms: number): string {
  const hex = Math.min(Math.max(ms, 0), LAST_MS).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
