import { Injectable } from '@nestjs/common';

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** Seconds from the end of one try to the next; the first is made at once. About three days in all. */
export const TRY_AFTER_SECONDS = [
  0,
  5,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
] as const;
export const MOST_TRIES = TRY_AFTER_SECONDS.length;

/** Up to so much of a pause is added to it, so that a receiver that comes back is not called by all at once. */
const JITTER = 0.1;

/** @returns null after the last try. */
export function secondsToNextTry(triesMade: number, random = Math.random()): number | null {
  const seconds = TRY_AFTER_SECONDS[triesMade];
  return seconds === undefined ? null : seconds * (1 + JITTER * random);
}

/** Deliveries go by the database's clock, which all gateways share. Tests run ahead of it instead of waiting. */
@Injectable()
export class DeliveryClock {
  aheadSeconds = 0;
}
