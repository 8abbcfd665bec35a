import { Injectable } from '@nestjs/common';
import { type SweepDuty, SweepingDuty } from '@mediakiln/entities';
import type { EntityManager } from 'typeorm';

const BATCH = 500;

/** Lets go of the bytes of media that could not be read; the row stays and tells why. */
@Injectable()
@SweepingDuty()
export class FailedMediaSweep implements SweepDuty {
  readonly name = 'release_failed_media';
  readonly everyMs = 60_000;
  /** Since the upload. */
  graceMs = 3_600_000;

  async sweep(tx: EntityManager): Promise<number> {
    const [, released] = await tx.query<[unknown, number]>(
      `UPDATE media SET sha256 = NULL WHERE id IN (
         SELECT id FROM media
         WHERE status = 'failed' AND sha256 IS NOT NULL AND created_at < now() - $1 * interval '1 ms'
         LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`,
      [this.graceMs],
    );
    return released;
  }
}
