import { Injectable } from '@nestjs/common';
import { type SweepDuty, SweepingDuty } from '@mediakiln/entities';
import type { EntityManager } from 'typeorm';
import { BatchCloser } from '../batch.closer';
import { BatchMoves } from '../batch.moves';

const AT_ONCE = 100;
/** A sweep is one transaction, and what it has canceled is locked until its end. */
const CANCELS_AT_ONCE = 5;

const UNSETTLED = `(SELECT FROM job WHERE job.batch_id = batch.id AND job.status IN ('pending', 'processing'))`;

/**
 * Closes batches whose last job ended without a word: its worker died after the commit, or the sweeper ended it. Goes on
 * with cancels that a gateway did not bring to their end.
 */
@Injectable()
@SweepingDuty()
export class CloseBatchesDuty implements SweepDuty {
  readonly name = 'close_batches';
  readonly everyMs = 2_000;

  constructor(
    private readonly batches: BatchCloser,
    private readonly moves: BatchMoves,
  ) {}

  async sweep(tx: EntityManager): Promise<number> {
    const canceled = await tx.query<{ id: string }[]>(
      `SELECT id FROM batch WHERE finished_at IS NULL AND canceled_at IS NOT NULL AND EXISTS ${UNSETTLED}
       ORDER BY created_at LIMIT ${CANCELS_AT_ONCE}`,
    );
    let repaired = 0;
    for (const { id } of canceled) repaired += (await this.moves.cancelSome(tx, id)).length;
    const ended = await tx.query<{ id: string }[]>(
      `SELECT id FROM batch
       WHERE finished_at IS NULL AND (inserted_at IS NOT NULL OR canceled_at IS NOT NULL) AND NOT EXISTS ${UNSETTLED}
       ORDER BY created_at LIMIT ${AT_ONCE}`,
    );
    for (const { id } of ended) repaired += Number(await this.batches.closeIn(tx, id));
    return repaired;
  }
}
