import { TOPICS, type Topic } from '@mediakiln/contracts';
import { type Log, activeTraceparent } from '@mediakiln/observability';
import { ClientRMQ, type ReadPacket } from '@nestjs/microservices';
import { type AmqpConnectionManager, type ChannelWrapper, connect } from 'amqp-connection-manager';
import type { ConfirmChannel } from 'amqplib';
import { randomUUID } from 'node:crypto';
import { within } from './deadline';
import {
  BROKER_ANSWER_MS,
  SETUP_WITHIN_MS,
  onLoss,
  reconnectSoon,
  reopenWhenClosed,
  socketOptions,
} from './rabbit.connection';
import type { RabbitTopology } from './rabbit.topology';

/**
 * Nest's RabbitMQ client, sending each event straight to the queue of its topic and waiting for the broker's confirm.
 * It makes one connection that is retried for ever; Nest's own makes a new one at every failed attempt and
 * never finishes connecting when the channel's setup fails.
 */
export class RabbitClient extends ClientRMQ {
  declare protected client: AmqpConnectionManager | null;
  declare protected channel: ChannelWrapper | null;

  /** The usable channel of this moment. */
  private current?: ConfirmChannel;
  /** Why there is none; undefined as long as the first attempt runs. */
  private trouble?: Error;
  private readonly unroutable = new Set<string>();

  constructor(
    private readonly url: string,
    private readonly topology: RabbitTopology,
    private readonly log: Log,
    private readonly answerMs = BROKER_ANSWER_MS,
  ) {
    super({ urls: [url], noAssert: true, persistent: true });
  }

  override connect(): Promise<void> {
    if (this.client) return Promise.resolve();
    const manager = connect([this.url], socketOptions('doorbell'));
    onLoss(manager, (reason) => this.lose(reason ?? this.trouble ?? new Error('The connection was closed')));
    this.client = manager;
    this.channel = manager.createChannel({
      publishTimeout: this.answerMs,
      setup: (channel: ConfirmChannel) => this.setupChannel(channel),
    });
    this.channel.on('error', (error) => this.lose(error));
    return Promise.resolve();
  }

  override async close(): Promise<void> {
    const manager = this.client;
    this.client = null;
    this.channel = null;
    this.trouble = new Error('The doorbell is closed');
    if (manager) await within(manager.close(), BROKER_ANSWER_MS, 'RabbitMQ did not close the connection');
  }

  override async setupChannel(channel: ConfirmChannel): Promise<void> {
    const manager = this.client;
    if (!manager) return;
    const connection = manager.connection;
    reopenWhenClosed(manager, channel, this.log);
    channel.once('close', () => {
      if (this.current === channel) this.current = undefined;
    });
    channel.on('return', ({ properties }) => this.unroutable.add(String(properties.messageId)));
    try {
      const asserted = this.topology.assert(channel, TOPICS);
      await within(asserted, SETUP_WITHIN_MS, 'RabbitMQ did not answer for our queues');
      this.current = channel;
      this.trouble = undefined;
      this.log.info('doorbell is connected');
    } catch (error) {
      this.lose(error as Error);
      reconnectSoon(manager, connection, this.log);
    }
  }

  /** Messages that wait in the topic's queue. Asserting instead of asking brings a deleted queue back. */
  async waiting(topic: Topic): Promise<number> {
    await this.connect();
    const channel = this.current;
    if (!channel) throw this.trouble ?? new Error('RabbitMQ was not reached yet');
    const answer = this.topology.assertQueue(channel, topic);
    return (await within(answer, this.answerMs, 'RabbitMQ did not answer')).messageCount;
  }

  protected override async dispatchEvent(packet: ReadPacket): Promise<void> {
    if (!this.channel || !this.current) throw this.trouble ?? new Error('RabbitMQ was not reached yet');
    const messageId = randomUUID();
    const queue = this.topology.queueOf(packet.pattern as Topic);
    const content = Buffer.from(JSON.stringify(this.serializer.serialize(packet)));
    const traceparent = activeTraceparent();
    await this.channel.sendToQueue(queue, content, {
      persistent: true,
      mandatory: true,
      messageId,
      ...(traceparent !== null && { headers: { traceparent } }),
    });
    // RabbitMQ confirms what it could not route as well, just after returning it.
    if (this.unroutable.delete(messageId)) throw new Error(`RabbitMQ has no queue ${queue}`);
  }

  private lose(error: Error): void {
    if (error.message !== this.trouble?.message) this.log.warn('doorbell has no broker', { err: error });
    this.trouble = error;
  }
}
