import type { EntityManager } from 'typeorm';

/** Marks a provider that the sweeper runs; whoever owns the rows writes the duty. */
export const SWEEP_DUTY = Symbol('mediakiln:sweep-duty');

/** What the sweeper knows of its own view of the world. */
export interface SweepContext {
  /** For how long this sweeper has reached the database without a break. */
  databaseSeenMs: number;
}

/** One kind of repair: a short transaction, safe to run in every replica. */
export interface SweepDuty {
  /** Stable name: it is the lock's key and the metric's label. */
  readonly name: string;
  readonly everyMs: number;
  /** @returns how many rows were repaired. */
  sweep(tx: EntityManager, context: SweepContext): Promise<number>;
}

/** Class decorator for a provider that implements SweepDuty. */
export const SweepingDuty = (): ClassDecorator => (target) =>
  Reflect.defineMetadata(SWEEP_DUTY, true, target);
