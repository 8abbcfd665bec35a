import { Injectable } from '@nestjs/common';
import { type SweepDuty, SweepingDuty } from '@mediakiln/entities';
import type { EntityManager } from 'typeorm';
import { BatchCloser } from '../batch.closer';

const AT_ONCE = 100;

/** Closes batches whose last job ended without a word: its worker died after the commit, or the sweeper ended it. */
@Injectable()
@SweepingDuty()
export class CloseBatchesDuty implements SweepDuty {
  readonly name = 'close_batches';
  readonly everyMs = 2_000;

  constructor(private readonly batches: BatchCloser) {}

  async sweep(tx: EntityManager): Promise<number> {
    const open = await tx.query<{ id: string }[]>(
      `SELECT id FROM batch
       WHERE finished_at IS NULL AND (inserted_at IS NOT NULL OR canceled_at IS NOT NULL) AND NOT EXISTS
         (SELECT FROM job WHERE job.batch_id = batch.id AND job.status IN ('pending', 'processing'))
       ORDER BY created_at LIMIT ${AT_ONCE}`,
    );
    let closed = 0;
    for (const { id } of open) closed += Number(await this.batches.closeIn(tx, id));
    return closed;
  }
}
