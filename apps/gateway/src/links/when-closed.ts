import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

const PATIENCE_MS = 1_000;

/**
 * Waits for what is done when a response is over. For the end of the process: a server that has closed has cut its
 * responses, but they say so only a moment later.
 */
export async function whenClosed(responses: Iterable<ServerResponse>): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const open = [...responses].filter((response) => !response.closed);
  await Promise.allSettled(open.map((response) => once(response, 'close', { signal })));
}
