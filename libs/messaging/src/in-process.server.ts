import type { Topic } from '@mediakiln/contracts';
import type { Log } from '@mediakiln/observability';
import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { settledWithin } from './deadline';
import { deliver } from './delivery';
import type { InProcessBroker, QueuedMessage } from './in-process.broker';
import { transportIdOf } from './transport-id';

export interface InProcessServerOptions {
  topic: Topic;
  /** Messages in work at a time. */
  slots: number;
  /** How long `close` waits for handlers that are running. */
  graceMs: number;
}

export class InProcessServer extends Server implements CustomTransportStrategy {
  override readonly propagatesEventHandlerErrors = true;

  private readonly running = new Map<QueuedMessage, Promise<void>>();
  private unsubscribe?: () => void;
  private closing?: Promise<void>;

  constructor(
    private readonly setting: InProcessServerOptions,
    private readonly broker: InProcessBroker,
    private readonly log: Log,
  ) {
    super();
    this.setTransportId(transportIdOf(setting.topic));
  }

  listen(callback: (error?: unknown) => void): void {
    const handler = this.getHandlerByPattern(this.setting.topic);
    if (!handler)
      return callback(new Error(`No controller handles topic ${this.setting.topic} with its transport id`));
    this.unsubscribe = this.broker.subscribe(this.setting.topic, () => this.fillSlots(handler));
    this.fillSlots(handler);
    callback();
  }

  close(): Promise<void> {
    return (this.closing ??= this.drain());
  }

  on(): never {
    throw new Error('The in-process transport has no events');
  }

  unwrap<T>(): T {
    return this.broker as T;
  }

  private fillSlots(handler: MessageHandler): void {
    while (!this.closing && this.running.size < this.setting.slots) {
      const message = this.broker.take(this.setting.topic);
      if (!message) return;
      this.running.set(message, this.handle(handler, message));
    }
  }

  private async handle(handler: MessageHandler, message: QueuedMessage): Promise<void> {
    const { topic } = this.setting;
    const verdict = await deliver(topic, handler, message.content, message.traceparent);
    if (!this.running.delete(message)) return; // it went back when the grace time was over
    if (verdict !== 'done')
      this.log.warn('message was not handled', { topic, verdict, bytes: message.content.length });
    if (verdict === 'again') this.broker.putBack(topic, message);
    if (verdict === 'dead') this.broker.bury(message);
    this.fillSlots(handler);
  }

  private async drain(): Promise<void> {
    const { topic, graceMs } = this.setting;
    this.unsubscribe?.();
    if (await settledWithin(this.running.values(), graceMs)) return;
    this.log.warn('handlers outlived the grace time', { topic, handlers: this.running.size });
    for (const message of this.running.keys()) {
      this.running.delete(message);
      this.broker.putBack(topic, message);
    }
  }
}
