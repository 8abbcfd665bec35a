import type { Topic } from '@mediakiln/contracts';

/** The sending side of a transport. Losing or doubling a ring is harmless; the rows are the truth. */
export abstract class Doorbell {
  /** Rings `count` times. Rejects when the transport cannot take it; the sweeper will ring later. */
  abstract ring(topic: Topic, count: number): Promise<void>;
  /** Rings that wait for a free slot. */
  abstract waiting(topic: Topic): Promise<number>;
  /** Rejects when the transport does not work. */
  abstract check(): Promise<void>;
}
