import type { Topic } from '@mediakiln/contracts';
import type { Log, Meter } from '@mediakiln/observability';
import { type MessageHandler, ServerRMQ } from '@nestjs/microservices';
import type { AmqpConnectionManager, ChannelWrapper } from 'amqp-connection-manager';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import { randomUUID } from 'node:crypto';
import { settledWithin, within } from './deadline';
import { type Verdict, deliver } from './delivery';
import {
  BROKER_ANSWER_MS,
  SETUP_WITHIN_MS,
  onLoss,
  reconnect,
  reconnectSoon,
  reopenWhenClosed,
  socketOptions,
} from './rabbit.connection';
import type { RabbitTopology } from './rabbit.topology';
import { transportIdOf } from './transport-id';

export interface RabbitServerOptions {
  url: string;
  topology: RabbitTopology;
  topic: Topic;
  /** Messages in work at a time. */
  slots: number;
  /** How long `close` waits for handlers that are running. */
  graceMs: number;
}

/**
 * A quorum queue that was declared shortly before its broker was killed may come back without a leader, for good (seen
 * with RabbitMQ 3.10): it can be declared, but a consume is refused or never answered. After so many refusals in a row
 * the queue is made anew. That loses doorbells only, and the sweeper rings for what is due.
 */
const REFUSALS_BEFORE_RENEWAL = 2;
/** RabbitMQ itself waits for five seconds before it deletes a queue that has no leader. */
const RENEWAL_WITHIN_MS = 20_000;

interface Delivery {
  message: ConsumeMessage;
  channel: ConfirmChannel;
}

/** Nest's RabbitMQ server with what it lacks: settling by the handler's outcome, drain, and recovery of its channel. */
export class RabbitServer extends ServerRMQ {
  override readonly propagatesEventHandlerErrors = true;
  declare protected server: AmqpConnectionManager | null;
  declare protected channel: ChannelWrapper | null;

  private readonly consumerTag = randomUUID();
  private readonly running = new Set<Promise<void>>();
  /** Deliveries beyond the slots: after a lost channel the broker counts from zero while handlers still run. */
  private held: Delivery[] = [];
  private consuming?: ConfirmChannel;
  /** Consumes in a row that failed although the connection held. */
  private refusals = 0;
  private trouble = new Error('RabbitMQ was not reached yet');
  private closing?: Promise<void>;

  constructor(
    private readonly setting: RabbitServerOptions,
    private readonly log: Log,
    private readonly meter: Meter,
  ) {
    super({
      urls: [setting.url],
      queue: setting.topology.queueOf(setting.topic),
      noAck: false,
      prefetchCount: setting.slots,
      socketOptions: socketOptions(`${setting.topic} consumer`),
    });
    this.setTransportId(transportIdOf(setting.topic));
  }

  /** Answers at once, broker or not: consuming starts when the broker is reached, and `check` tells whether it is. */
  override async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      this.handler();
      await this.start();
      const manager = this.server as unknown as AmqpConnectionManager; // `start` has set it
      onLoss(manager, (reason) => (this.trouble = reason ?? this.trouble));
      // Registered after Nest's own listener, which makes the channel.
      manager.once('connect', () => this.channel?.on('error', (error) => this.fail(error)));
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /** Rejects with the reason while no messages can arrive. */
  async check(): Promise<void> {
    if (!this.consuming) throw this.trouble;
    const { topology, topic } = this.setting;
    await within(topology.assertQueue(this.consuming, topic), BROKER_ANSWER_MS, 'RabbitMQ did not answer');
  }

  override async setupChannel(channel: ConfirmChannel): Promise<void> {
    const { topic, slots } = this.setting;
    const manager = this.server;
    if (!manager) return;
    const connection = manager.connection;
    reopenWhenClosed(manager, channel, this.log);
    channel.once('close', () => this.forget(channel));
    try {
      if (this.refusals >= REFUSALS_BEFORE_RENEWAL) await this.renewQueue(channel);
      await this.consume(channel, () => manager.connection === connection);
      this.trouble = new Error('The connection to RabbitMQ was lost');
      this.log.info('consumer is ready', { topic, slots });
    } catch (error) {
      this.forget(channel);
      this.fail(error as Error);
      reconnectSoon(manager, connection, this.log);
    }
  }

  override async handleMessage(message: ConsumeMessage, channel: ConfirmChannel): Promise<void> {
    const traceparent: unknown = message.properties.headers?.traceparent;
    const verdict = await deliver(this.setting.topic, this.handler(), message.content, traceparent);
    if (verdict !== 'done')
      this.log.warn('message was not handled', {
        topic: this.setting.topic,
        verdict,
        bytes: message.content.length,
      });
    this.settle(message, channel, verdict);
  }

  /** Stops consuming, waits for running handlers, disconnects. What was not started goes back to the queue. */
  override close(): Promise<void> {
    return (this.closing ??= this.drain());
  }

  private async consume(channel: ConfirmChannel, isConnected: () => boolean): Promise<void> {
    const { topology, topic, slots } = this.setting;
    const asserted = topology.assert(channel, [topic]).then(() => channel.prefetch(slots, false));
    await within(asserted, SETUP_WITHIN_MS, 'RabbitMQ did not answer for our queues');
    const consumed = channel.consume(this.queue, (message) => this.accept(message, channel), {
      noAck: false,
      consumerTag: this.consumerTag,
    });
    try {
      await within(consumed, SETUP_WITHIN_MS, `RabbitMQ did not let us consume ${this.queue}`);
      this.consuming = channel;
      this.refusals = 0;
    } catch (error) {
      if (isConnected()) this.refusals += 1;
      throw error;
    }
  }

  private async renewQueue(channel: ConfirmChannel): Promise<void> {
    this.refusals = 0;
    const deleted = channel.deleteQueue(this.queue);
    const { messageCount } = await within(
      deleted,
      RENEWAL_WITHIN_MS,
      `RabbitMQ did not delete ${this.queue}`,
    );
    this.log.warn('a queue without a leader was made anew', { queue: this.queue, doorbells: messageCount });
  }

  private accept(message: ConsumeMessage | null, channel: ConfirmChannel): void {
    if (message === null) return this.resubscribe(channel);
    if (this.closing) return;
    this.held.push({ message, channel });
    this.fillSlots();
  }

  private fillSlots(): void {
    while (!this.closing && this.running.size < this.setting.slots) {
      const next = this.held.shift();
      if (!next) return;
      const work = this.handleMessage(next.message, next.channel).finally(() => {
        this.running.delete(work);
        this.fillSlots();
      });
      this.running.add(work);
    }
  }

  /** Only on the channel that delivered: the tag means nothing, or another message, on any other. */
  private settle(message: ConsumeMessage, channel: ConfirmChannel, verdict: Verdict): void {
    try {
      if (verdict === 'done') channel.ack(message);
      else channel.nack(message, false, verdict === 'again');
    } catch (error) {
      this.meter.failedAcks.inc();
      this.log.debug('the channel of a message is gone; it will be delivered again', { err: error });
    }
  }

  /** The broker canceled us, as when somebody deletes the queue: only a new channel asserts it again. */
  private resubscribe(channel: ConfirmChannel): void {
    this.fail(new Error(`RabbitMQ canceled the consumer of ${this.queue}: the queue was deleted or moved`));
    this.forget(channel);
    if (this.server) reconnect(this.server, this.log);
  }

  private forget(channel: ConfirmChannel): void {
    this.held = this.held.filter((delivery) => delivery.channel !== channel);
    if (this.consuming === channel) this.consuming = undefined;
  }

  private fail(error: Error): void {
    if (error.message !== this.trouble.message)
      this.log.error('consumer does not work', { topic: this.setting.topic, err: error });
    this.trouble = error;
  }

  private handler(): MessageHandler {
    const handler = this.getHandlerByPattern(this.setting.topic);
    if (!handler) throw new Error(`No controller handles topic ${this.setting.topic} with its transport id`);
    return handler;
  }

  private async drain(): Promise<void> {
    const { topic, graceMs } = this.setting;
    this.held = [];
    if (this.consuming) await this.attempt(this.consuming.cancel(this.consumerTag), 'stop consuming');
    if (!(await settledWithin(this.running, graceMs)))
      this.log.warn('handlers outlived the grace time', { topic, handlers: this.running.size });
    await this.attempt(super.close(), 'disconnect');
  }

  /** A broker that is gone or frozen must not keep the process from ending. */
  private async attempt(work: Promise<unknown>, what: string): Promise<void> {
    try {
      await within(work, BROKER_ANSWER_MS, `could not ${what}`);
    } catch (error) {
      this.log.debug(`could not ${what}`, { topic: this.setting.topic, err: error });
    }
  }
}
