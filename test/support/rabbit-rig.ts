import type { Topic } from '@mediakiln/contracts';
import { HealthRegistry, Meter } from '@mediakiln/observability';
import { RabbitTopology } from '@mediakiln/messaging';
import { type Channel, type ChannelModel, connect } from 'amqplib';
import { randomUUID } from 'node:crypto';
import { RabbitDoorbell } from '../../libs/messaging/src/rabbit.doorbell';
import { RabbitTransports } from '../../libs/messaging/src/rabbit.transports';
import type { TransportRig } from '../../libs/messaging/src/transport.contract';
import { quietLog } from './topic-app';

const ALL: Topic[] = ['image', 'video', 'video.quick'];

export interface RabbitRigOptions {
  url: string;
  graceMs?: number;
  consumerTimeoutMs?: number;
  /** A ring is on disk when it is confirmed, and the disk may be busy: by default more than the product waits. */
  answerMs?: number;
}

/** The RabbitMQ driver under names of its own, with a connection beside it that looks and meddles. */
export class RabbitRig implements TransportRig {
  readonly health = new HealthRegistry();
  readonly meter = new Meter();
  readonly topology: RabbitTopology;
  readonly doorbell: RabbitDoorbell;
  readonly transports: RabbitTransports;
  private connection?: ChannelModel;

  constructor(private readonly options: RabbitRigOptions) {
    const { url, graceMs = 10_000, consumerTimeoutMs, answerMs = 20_000 } = options;
    const prefix = `test-${randomUUID()}`;
    this.topology = new RabbitTopology({ prefix, consumerTimeoutMs });
    this.doorbell = new RabbitDoorbell(url, this.topology, this.health, quietLog(), answerMs);
    this.transports = new RabbitTransports(
      { url, topology: this.topology, graceMs },
      this.health,
      quietLog(),
      this.meter,
    );
  }

  async put(topic: Topic, content: Buffer): Promise<void> {
    await this.meddle(async (channel) => {
      await this.topology.assert(channel, ALL);
      channel.sendToQueue(this.topology.queueOf(topic), content, { persistent: true });
    });
  }

  async dead(): Promise<number> {
    return this.meddle(async (channel) => {
      await this.topology.assert(channel, ALL);
      return (await channel.checkQueue(this.topology.dead)).messageCount;
    });
  }

  async close(): Promise<void> {
    await this.doorbell.onApplicationShutdown();
    await this.meddle(async (channel) => {
      for (const topic of ALL) await channel.deleteQueue(this.topology.queueOf(topic));
      await channel.deleteQueue(this.topology.dead);
      await channel.deleteExchange(this.topology.dead);
    });
    await this.connection?.close();
  }

  /** Runs something on a channel of its own, which the broker may close. */
  async meddle<T>(act: (channel: Channel) => Promise<T>): Promise<T> {
    this.connection ??= await this.open();
    const channel = await this.connection.createChannel();
    channel.on('error', () => undefined); // what failed rejects in `act`
    const result = await act(channel);
    await channel.close();
    return result;
  }

  private async open(): Promise<ChannelModel> {
    const connection = await connect(this.options.url);
    connection.on('error', () => undefined); // the broker was killed: that is what some tests do
    connection.on('close', () => (this.connection = undefined));
    return connection;
  }
}
