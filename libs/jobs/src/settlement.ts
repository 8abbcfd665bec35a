import type { AppError, MoveReason, OutputInfo, Probe, Topic } from '@mediakiln/contracts';
import type { Job } from '@mediakiln/entities';

/** A produced file whose bytes are already in the storage. */
export interface SettledOutput {
  variant: string;
  name: string;
  container: string;
  info: OutputInfo;
  sha256: string;
  bytes: number;
  parent_ids: string[];
}

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
        outputs: SettledOutput[];
        facts?: Probe;
        report?: Record<string, unknown>;
      }
    | { to: 'failed' | 'canceled'; error: AppError }
  );

export interface SettledJob {
  job: Job;
  /** Topics on which a dependent step became due: to be rung after the commit. */
  released: Topic[];
}
