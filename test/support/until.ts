import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 100;

/**
 * Waits until `look` returns something else than undefined, null or false, and returns that.
 * @param what ends the sentence "waited … for", for the failure.
 * @throws Error with what was seen last, or what `look` threw last
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  limitMs = 60_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== null && seen !== false)
        return seen as NonNullable<Exclude<T, false>>;
      last = seen;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline)
      throw new Error(`waited ${limitMs / 1000} s for ${what}`, { cause: last });
    await sleep(PAUSE_MS);
  }
}
