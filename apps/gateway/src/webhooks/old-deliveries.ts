import { Injectable } from '@nestjs/common';
import { type SweepDuty, SweepingDuty } from '@mediakiln/entities';
import type { EntityManager } from 'typeorm';

const KEPT_DAYS = 30;
const AT_ONCE = 5_000;

/** Deliveries that ended are forgotten with their tries. */
@Injectable()
@SweepingDuty()
export class OldDeliveries implements SweepDuty {
  readonly name = 'old_webhook_deliveries';
  readonly everyMs = 600_000;

  async sweep(tx: EntityManager): Promise<number> {
    const [, removed] = await tx.query<[unknown, number]>(
      `DELETE FROM webhook_delivery WHERE id = ANY (ARRAY(
         SELECT id FROM webhook_delivery WHERE finished_at < now() - interval '${KEPT_DAYS} days'
         ORDER BY finished_at LIMIT ${AT_ONCE}))`,
    );
    return removed;
  }
}
