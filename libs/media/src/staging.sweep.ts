import { Injectable } from '@nestjs/common';
import { type SweepDuty, SweepingDuty } from '@mediakiln/entities';
import { Storage } from '@mediakiln/storage';

/** Removes what crashed uploads and workers left half written. */
@Injectable()
@SweepingDuty()
export class StagingSweep implements SweepDuty {
  readonly name = 'clean_staging';
  readonly everyMs = 300_000;
  /** Since the last write; an upload that is silent for longer is cut off anyway. */
  graceMs = 3_600_000;

  constructor(private readonly storage: Storage) {}

  sweep(): Promise<number> {
    return this.storage.sweepStaging(this.graceMs);
  }
}
