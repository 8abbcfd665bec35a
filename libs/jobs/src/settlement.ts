import type { AppError, MoveReason, Probe, Topic } from '@mediakiln/contracts';
import type { Job } from '@mediakiln/entities';
import type { MadeOutput } from '@mediakiln/media';

interface SettlementBase {
  id: string;
  reason: MoveReason;
  /** The fence: given by workers, and by the sweeper for a lease that it found. */
  epoch?: number;
  /** Given by requests: only the owner's own job is moved. */
  owner_id?: string;
}

export type Settlement = SettlementBase &
  (
    | {
        to: 'completed';
        operation: string;
        purpose: Job['purpose'];
        outputs: MadeOutput[];
        facts?: Probe;
        report?: Record<string, unknown>;
      }
    | { to: 'failed' | 'canceled'; error: AppError }
  );

export interface SettledJob {
  job: Job;
  /** Topics on which a dependent step became due: to be rung after the commit. */
  released: Topic[];
  /** More of its batch is still to be claimed: this was not the last of it. */
  isBatchWaiting: boolean;
}
