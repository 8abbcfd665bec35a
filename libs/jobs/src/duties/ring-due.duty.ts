import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError, TOPICS, type Topic } from '@mediakiln/contracts';
import { type SweepDuty, SweepingDuty } from '@mediakiln/entities';
import { Doorbell } from '@mediakiln/messaging';
import type { EntityManager } from 'typeorm';
import { MAX_RINGS } from '../job.dispatcher';

/** Rings for due work that no waiting message announces: the repair of every lost doorbell. */
@Injectable()
@SweepingDuty()
export class RingDueDuty implements SweepDuty {
  readonly name = 'ring_due';
  readonly everyMs: number;

  constructor(
    private readonly doorbell: Doorbell,
    config: AppConfig,
  ) {
    this.everyMs = config.sweepSeconds * 1_000;
  }

  async sweep(tx: EntityManager): Promise<number> {
    let rung = 0;
    const failures: unknown[] = [];
    for (const topic of TOPICS) {
      const due = await this.countDue(tx, topic);
      try {
        if (due === 0 || (await this.doorbell.waiting(topic)) > 0) continue;
        await this.doorbell.ring(topic, due);
        rung += due;
      } catch (error) {
        // One queue that does not answer must not silence the others.
        failures.push(error);
      }
    }
    // As an error of ours: what a broker that is away says is what a lost database says.
    if (failures.length > 0)
      throw new AppError('operation_unavailable', 'A doorbell could not be rung', { cause: failures[0] });
    return rung;
  }

  private async countDue(tx: EntityManager, topic: Topic): Promise<number> {
    const [row] = await tx.query<{ due: number }[]>(
      `SELECT count(*)::int AS due
       FROM (
         SELECT FROM job WHERE topic = $1 AND status = 'pending' AND due
         ORDER BY owner_id, priority DESC, run_at, id LIMIT $2) AS counted`,
      [topic, MAX_RINGS],
    );
    return row?.due ?? 0;
  }
}
