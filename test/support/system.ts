import type { DataSource } from 'typeorm';
import type { AppProcess } from './app-process';
import { PATIENT_CONNECT_MS } from './database';

/** A running Mediakiln, in whichever mode, as tests see it. */
export interface System {
  /** Of the gateway, without a trailing slash. */
  readonly url: string;
  readonly dataDir: string;
  /** A connection of the test's own. */
  readonly database: DataSource;
  readonly processes: readonly AppProcess[];
  close(): Promise<void>;
}

/** A test asks as fast as it can, and makes all its accounts from one address. */
export const UNLIMITED = { RATE_LIMIT_PER_MINUTE: '0', RATE_LIMIT_REGISTRATIONS_PER_HOUR: '0' };

/** A machine that is busy with other tests is no database that is away. */
export const PATIENT = { DATABASE_CONNECT_MS: String(PATIENT_CONNECT_MS) };

/** Short, so that a test sees a lease lapse; a healthy worker renews it, although it may stand still for seconds. */
export const TIMING = {
  LEASE_SECONDS: '6',
  HEARTBEAT_SECONDS: '1',
  SWEEP_SECONDS: '0.5',
  SHUTDOWN_GRACE_SECONDS: '10',
};
