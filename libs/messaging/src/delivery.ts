import type { Topic } from '@mediakiln/contracts';
import { failSpan, inSpan } from '@mediakiln/observability';
import { BaseRpcContext, type MessageHandler } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import { decodeRing } from './ring-message';

/** What becomes of a message: `done` is taken off, `again` is delivered once more, `dead` is put aside. */
export type Verdict = 'done' | 'again' | 'dead';

/** A message whose handler throws is delivered once and then so many times again, then it is put aside. */
export const REDELIVERY_LIMIT = 5;

/** Runs the topic's handler on one message. @param traceparent as it came with the message. Never rejects. */
export async function deliver(
  topic: Topic,
  handler: MessageHandler,
  content: Buffer,
  traceparent: unknown,
): Promise<Verdict> {
  const ring = decodeRing(topic, content);
  if (!ring) return 'dead';
  const parent = typeof traceparent === 'string' ? traceparent : null;
  const attributes = { 'media.topic': topic };
  return inSpan({ name: `answer ${topic}`, kind: 'consumer', parent, attributes }, async () => {
    try {
      const result: unknown = await handler(ring, new BaseRpcContext([topic]));
      // Nest turns what a controller throws into a stream that fails, which the stock servers never look at.
      if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
      return 'done';
    } catch {
      failSpan('handler_failed');
      return 'again'; // Nest's exception layer has logged the error with its stack
    }
  });
}
