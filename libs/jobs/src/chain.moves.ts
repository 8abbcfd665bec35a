import { Injectable } from '@nestjs/common';
import { AppError, isTerminal, sourcesOf } from '@mediakiln/contracts';
import type { Job } from '@mediakiln/entities';
import { Log } from '@mediakiln/observability';
import { DataSource, type EntityManager } from 'typeorm';
import { JobStore } from './job.store';
import { RETRY } from './move.sql';

/** In the order in which the end of a step moves the ones behind it, so that nobody is waited for in a circle. */
const LOCKED = 'SELECT id, status FROM job WHERE chain_id = $1 AND owner_id = $2 ORDER BY id FOR UPDATE';

const CANCELED = new AppError('conflict', 'The chain was canceled');

/** What is done to the jobs of a chain together, beside JobStore and by the same table of moves. */
@Injectable()
export class ChainMoves {
  constructor(
    private readonly database: DataSource,
    private readonly store: JobStore,
    private readonly log: Log,
  ) {}

  /** Ends whatever of the chain has not ended, also what runs. @returns false when all of it had ended. */
  async cancel(ownerId: string, chainId: string): Promise<boolean> {
    const canceled = await this.database.transaction(async (tx) => {
      const jobs = await this.lock(tx, ownerId, chainId);
      const open = jobs.filter(({ status }) => !isTerminal(status));
      // The last first: else the end of one would end those behind it, and for another reason.
      for (const { id } of open.reverse())
        await this.store.settle({ id, to: 'canceled', reason: 'canceled_by_user', error: CANCELED }, tx);
      return open.length;
    });
    if (canceled > 0)
      this.log.info('chain canceled', { chain_id: chainId, owner_id: ownerId, jobs: canceled });
    return canceled > 0;
  }

  /** Goes on where it ended: the step that did not complete, and those behind it. @returns what waits again. */
  async retry(ownerId: string, chainId: string): Promise<Job[]> {
    const jobs = await this.database.transaction(async (tx) => {
      const ids = (await this.lock(tx, ownerId, chainId)).map(({ id }) => id);
      return tx.query<Job[]>(RETRY, [ids, ownerId, sourcesOf('pending', 'retried_by_hand')]);
    });
    if (jobs.length > 0)
      this.log.info('chain retried', { chain_id: chainId, owner_id: ownerId, jobs: jobs.length });
    return jobs;
  }

  private lock(tx: EntityManager, ownerId: string, chainId: string): Promise<Pick<Job, 'id' | 'status'>[]> {
    return tx.query(LOCKED, [chainId, ownerId]);
  }
}
