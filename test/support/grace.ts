import { FailedMediaSweep, ObjectSweep, OrphanBytesSweep, StagingSweep } from '@mediakiln/media';
import { LocalStorage } from '@mediakiln/storage';
import { join } from 'node:path';
import type { SweepDuty } from '@mediakiln/entities';
import type { System } from './system';

/** What the sweeper will do once all grace times are over, at once. Nothing may be on its way in meanwhile. */
export async function sweepWithoutGrace({ database, dataDir }: System): Promise<void> {
  const storage = new LocalStorage(join(dataDir, 'objects'));
  const duties = [
    Object.assign(new FailedMediaSweep(), { graceMs: 0 }),
    new OrphanBytesSweep(storage),
    Object.assign(new ObjectSweep(storage), { graceMs: 0 }),
    Object.assign(new StagingSweep(storage), { graceMs: 0 }),
  ] satisfies SweepDuty[];
  for (const duty of duties)
    await database.transaction(async (tx) => {
      // The system's own sweeper may be at the same duty: after it, not beside it.
      await tx.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`mediakiln:${duty.name}`]);
      await duty.sweep(tx);
    });
}
