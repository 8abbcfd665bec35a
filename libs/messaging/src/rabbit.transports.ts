import type { Topic } from '@mediakiln/contracts';
import type { HealthRegistry, Log, Meter } from '@mediakiln/observability';
import { RabbitServer, type RabbitServerOptions } from './rabbit.server';
import { Transports } from './transports';

export type RabbitTransportsOptions = Omit<RabbitServerOptions, 'topic' | 'slots'>;

export class RabbitTransports extends Transports {
  constructor(
    private readonly options: RabbitTransportsOptions,
    private readonly health: HealthRegistry,
    private readonly log: Log,
    private readonly meter: Meter,
  ) {
    super();
  }

  server(topic: Topic, slots: number): RabbitServer {
    const server = new RabbitServer({ ...this.options, topic, slots }, this.log, this.meter);
    this.health.register(`consumer of ${topic}`, () => server.check());
    return server;
  }
}
