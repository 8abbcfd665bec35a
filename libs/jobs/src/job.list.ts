import type { JobStatus } from '@mediakiln/contracts';
import { Job, type Stretch, alongIds } from '@mediakiln/entities';
import type { EntityManager, SelectQueryBuilder } from 'typeorm';

export interface JobFilter extends Stretch {
  status?: JobStatus;
  operation?: string;
  /** Only jobs that have this media as an input. */
  media_id?: string;
}

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
  const { status, operation, media_id: mediaId } = filter;
  const select = manager
    .createQueryBuilder(Job, 'job')
    .where("job.owner_id = :ownerId AND job.purpose = 'request'", { ownerId });
  alongIds(select, filter);
  if (status) select.andWhere('job.status = :status', { status });
  if (operation) select.andWhere('job.operation = :operation', { operation });
  if (mediaId)
    select.andWhere('job.inputs @> :inputs::jsonb', { inputs: JSON.stringify([{ media_id: mediaId }]) });
  return select;
}
