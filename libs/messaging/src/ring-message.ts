import type { Ring, Topic } from '@mediakiln/contracts';

/** A doorbell takes some 40 bytes; whatever is larger did not come from us. */
export const MAX_MESSAGE_BYTES = 4096;

/** Nest's wire format of an event. */
interface RingMessage {
  pattern: Topic;
  data: Ring;
}

export function encodeRing(topic: Topic): Buffer {
  return Buffer.from(JSON.stringify({ pattern: topic, data: { topic } } satisfies RingMessage));
}

/** The ring in a message of this topic's queue; undefined when the bytes are anything else. */
export function decodeRing(topic: Topic, content: Buffer): Ring | undefined {
  // The size comes first: hostile nesting must never reach the parser.
  if (content.length > MAX_MESSAGE_BYTES) return undefined;
  const message = parse(content);
  if (!hasOnly(message, ['pattern', 'data']) || message.pattern !== topic) return undefined;
  if (!hasOnly(message.data, ['topic']) || message.data.topic !== topic) return undefined;
  return { topic };
}

function parse(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch {
    return undefined; // the caller dead-letters the message, which is the report
  }
}

function hasOnly<Key extends string>(value: unknown, keys: Key[]): value is Record<Key, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).sort().join() === [...keys].sort().join()
  );
}
