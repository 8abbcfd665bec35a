import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { type SweepContext, type SweepDuty, SweepingDuty } from '@mediakiln/entities';
import type { EntityManager } from 'typeorm';
import { JobStore, type LapsedLease } from '../job.store';

/** Takes jobs back from workers that fell silent. */
@Injectable()
@SweepingDuty()
export class LapsedLeasesDuty implements SweepDuty {
  readonly name = 'lapsed_leases';
  readonly everyMs: number;

  constructor(
    private readonly store: JobStore,
    private readonly config: AppConfig,
  ) {
    this.everyMs = config.sweepSeconds * 1_000;
  }

  async sweep(tx: EntityManager, { databaseSeenMs }: SweepContext): Promise<number> {
    // After an outage every lease looks lapsed although its worker may be well: give all of them time to renew first.
    if (databaseSeenMs < this.config.leaseSeconds * 1_000) return 0;
    const lapsed = await tx.query<LapsedLease[]>(
      `SELECT id, epoch, deaths FROM job WHERE status = 'processing' AND lease_until < now()
       ORDER BY lease_until LIMIT 100 FOR UPDATE SKIP LOCKED`,
    );
    return this.store.takeBack(tx, lapsed);
  }
}
