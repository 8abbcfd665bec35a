import { Injectable } from '@nestjs/common';
import { type SweepDuty, SweepingDuty } from '@mediakiln/entities';
import type { EntityManager } from 'typeorm';

/** Forgets workers that crashed an hour ago or earlier. */
@Injectable()
@SweepingDuty()
export class GoneWorkersDuty implements SweepDuty {
  readonly name = 'gone_workers';
  readonly everyMs = 60_000;

  async sweep(tx: EntityManager): Promise<number> {
    const [, gone] = await tx.query<[unknown[], number]>(
      "DELETE FROM worker WHERE heartbeat_at < now() - interval '1 hour'",
    );
    return gone;
  }
}
