import type { Topic } from '@mediakiln/contracts';
import { REDELIVERY_LIMIT } from './delivery';

const DEAD_MESSAGES_KEPT = 1_000;

/** Bytes, as on a wire: no handler can reach into what the sender holds. */
export interface QueuedMessage {
  content: Buffer;
  traceparent: string | null;
  redeliveries: number;
}

/** The queues of one process. They end with it; the sweeper rings again for what the rows still want. */
export class InProcessBroker {
  private readonly queues = new Map<Topic, QueuedMessage[]>();
  private readonly listeners = new Map<Topic, Set<() => void>>();
  private readonly putAside: Buffer[] = [];

  put(topic: Topic, content: Buffer, traceparent: string | null = null): void {
    this.enqueue(topic, { content, traceparent, redeliveries: 0 });
  }

  take(topic: Topic): QueuedMessage | undefined {
    return this.queueOf(topic).shift();
  }

  /** Back into the queue, until it has come back too often. */
  putBack(topic: Topic, message: QueuedMessage): void {
    const redeliveries = message.redeliveries + 1;
    if (redeliveries > REDELIVERY_LIMIT) this.bury(message);
    else this.enqueue(topic, { ...message, redeliveries });
  }

  bury(message: QueuedMessage): void {
    this.putAside.push(message.content);
    if (this.putAside.length > DEAD_MESSAGES_KEPT) this.putAside.shift();
  }

  get dead(): readonly Buffer[] {
    return this.putAside;
  }

  waiting(topic: Topic): number {
    return this.queueOf(topic).length;
  }

  /** @returns the way to end it. */
  subscribe(topic: Topic, onMessage: () => void): () => void {
    const listeners = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, listeners.add(onMessage));
    return () => listeners.delete(onMessage);
  }

  private enqueue(topic: Topic, message: QueuedMessage): void {
    this.queueOf(topic).push(message);
    // Never in the caller's stack: a sender must not run a handler.
    setImmediate(() => this.listeners.get(topic)?.forEach((onMessage) => onMessage()));
  }

  private queueOf(topic: Topic): QueuedMessage[] {
    const queue = this.queues.get(topic) ?? [];
    this.queues.set(topic, queue);
    return queue;
  }
}
