import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { type SweepDuty, SweepingDuty } from '@mediakiln/entities';
import type { EntityManager } from 'typeorm';
import { type EndedStep, dependencyError } from '../dependency';
import { JobStore } from '../job.store';

/** Makes delayed jobs claimable when their time comes, and heals steps whose dependency ended while they were inserted. */
@Injectable()
@SweepingDuty()
export class DueJobsDuty implements SweepDuty {
  readonly name = 'due_jobs';
  readonly everyMs: number;

  constructor(
    private readonly store: JobStore,
    config: AppConfig,
  ) {
    this.everyMs = config.sweepSeconds * 1_000;
  }

  async sweep(tx: EntityManager): Promise<number> {
    const [, made] = await tx.query<[unknown[], number]>(
      `UPDATE job SET due = true
       WHERE id IN (
         SELECT id FROM job waiting
         WHERE status = 'pending' AND NOT due AND run_at <= now()
           AND (depends_on IS NULL OR EXISTS
             (SELECT FROM job step WHERE step.id = waiting.depends_on AND step.status = 'completed'))
         ORDER BY run_at LIMIT 1000 FOR UPDATE SKIP LOCKED)`,
    );
    const orphaned = await tx.query<(EndedStep & { waiting: string })[]>(
      `SELECT waiting.id AS waiting, step.id, step.operation, step.status, step.error_code, step.error_detail
       FROM job waiting JOIN job step ON step.id = waiting.depends_on
       WHERE waiting.status = 'pending' AND NOT waiting.due AND step.status IN ('failed', 'canceled') LIMIT 100`,
    );
    for (const { waiting: id, ...step } of orphaned)
      await this.store.settle(
        { id, to: 'canceled', reason: 'dependency_failed', error: dependencyError(step) },
        tx,
      );
    return made + orphaned.length;
  }
}
