import { MessageChannel } from 'node:worker_threads';

/** Smaller ones may be of memory that several share, and are not worth the few microseconds. */
const LEAST_BYTES = 16 << 10;

/** What is transferred to a closed port is gone, by the standard of HTML; Node 20 has no other way to free an ArrayBuffer. */
const nowhere = closedPort();

/**
 * Frees the memory of a chunk at once. Node makes a new one of each 64 KiB that a socket brings, and V8 looks for dead
 * ones only when there are 32 MiB of them, to which those come that live while the whole heap is walked: an upload took
 * 50 MiB of memory for the 3 that it needs.
 * The chunk is empty afterwards, and so is every other view of its bytes: for whoever made it, or got it from a socket
 * and shared it with nobody. A part of a larger buffer stays.
 */
export function giveBack(chunk: Buffer): void {
  const { buffer } = chunk;
  if (chunk.length < LEAST_BYTES || chunk.length !== buffer.byteLength) return;
  nowhere.postMessage(undefined, [buffer as ArrayBuffer]);
}

function closedPort() {
  const { port1 } = new MessageChannel();
  port1.close();
  return port1;
}
