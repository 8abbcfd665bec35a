import type { BatchStatus } from '@mediakiln/contracts';
import { Batch, type Stretch, alongIds } from '@mediakiln/entities';
import type { EntityManager, SelectQueryBuilder } from 'typeorm';

export interface BatchFilter extends Stretch {
  status?: BatchStatus;
}

/** What a row says only once the batch is closed; before that its status follows from how far it is. */
const OF_OPEN: Partial<Record<BatchStatus, string>> = {
  pending: 'batch.finished_at IS NULL AND batch.rows_inserted = 0',
  processing: 'batch.finished_at IS NULL AND batch.rows_inserted > 0',
};

/** An owner's batches, along the index (owner_id, id). */
export function listBatches(
  manager: EntityManager,
  ownerId: string,
  filter: BatchFilter,
): SelectQueryBuilder<Batch> {
  const select = manager.createQueryBuilder(Batch, 'batch').where('batch.owner_id = :ownerId', { ownerId });
  const { status } = filter;
  if (status)
    select.andWhere(OF_OPEN[status] ?? 'batch.finished_at IS NOT NULL AND batch.status = :status', {
      status,
    });
  alongIds(select, filter);
  return select;
}
