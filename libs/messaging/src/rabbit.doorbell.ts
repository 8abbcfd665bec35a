import { TOPICS, type Ring, type Topic } from '@mediakiln/contracts';
import type { HealthRegistry, Log } from '@mediakiln/observability';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { lastValueFrom } from 'rxjs';
import { BROKER_ANSWER_MS } from './rabbit.connection';
import { within } from './deadline';
import { Doorbell } from './doorbell';
import { RabbitClient } from './rabbit.client';
import type { RabbitTopology } from './rabbit.topology';

/** Rings through RabbitMQ. A ring that resolved is on disk there. */
export class RabbitDoorbell extends Doorbell implements OnModuleInit, OnApplicationShutdown {
  private readonly client: RabbitClient;

  constructor(
    url: string,
    topology: RabbitTopology,
    health: HealthRegistry,
    private readonly log: Log,
    private readonly answerMs = BROKER_ANSWER_MS,
  ) {
    super();
    this.client = new RabbitClient(url, topology, log, answerMs);
    health.register('broker', () => this.check());
  }

  /** Begins to connect, and does not wait: the process works without the broker, only later. */
  async onModuleInit(): Promise<void> {
    await this.client.connect();
  }

  /** After the servers have drained, since a running handler may still ring. */
  async onApplicationShutdown(): Promise<void> {
    try {
      await this.client.close();
    } catch (error) {
      this.log.debug('doorbell could not disconnect', { err: error });
    }
  }

  async ring(topic: Topic, count: number): Promise<void> {
    const rings = Array.from({ length: count }, () => this.ringOnce(topic));
    await within(Promise.all(rings), this.answerMs, 'RabbitMQ did not confirm');
  }

  waiting(topic: Topic): Promise<number> {
    return this.client.waiting(topic);
  }

  async check(): Promise<void> {
    await this.client.waiting(TOPICS[0]);
  }

  private async ringOnce(topic: Topic): Promise<void> {
    await lastValueFrom(this.client.emit<void, Ring>(topic, { topic }), { defaultValue: undefined });
  }
}
