import { Injectable } from '@nestjs/common';
import { type SweepDuty, SweepingDuty } from '@mediakiln/entities';
import type { EntityManager } from 'typeorm';
import { BatchInsertion } from './batch.insertion';

const AT_ONCE = 20;

/** Goes on with lists that nobody inserts: their gateway is gone, or could not reach the database. */
@Injectable()
@SweepingDuty()
export class InsertionDuty implements SweepDuty {
  readonly name = 'resume_batches';
  readonly everyMs = 5_000;
  /** Whoever made a batch begins with it at once, so a young one is nobody's only for a moment. */
  graceMs = 5_000;

  constructor(private readonly insertion: BatchInsertion) {}

  /** The work itself is far too long for the sweeper's transaction. */
  async sweep(tx: EntityManager): Promise<number> {
    const left = await tx.query<{ id: string }[]>(
      `SELECT id FROM batch
       WHERE finished_at IS NULL AND inserted_at IS NULL AND canceled_at IS NULL
         AND (claimed_until IS NULL OR claimed_until < now()) AND created_at < now() - $1 * interval '1 ms'
       ORDER BY created_at LIMIT ${AT_ONCE}`,
      [this.graceMs],
    );
    return left.filter(({ id }) => this.insertion.start(id)).length;
  }
}
