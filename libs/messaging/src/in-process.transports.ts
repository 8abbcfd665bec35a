import type { Topic } from '@mediakiln/contracts';
import type { Log } from '@mediakiln/observability';
import type { InProcessBroker } from './in-process.broker';
import { InProcessServer } from './in-process.server';
import { Transports } from './transports';

export class InProcessTransports extends Transports {
  constructor(
    private readonly broker: InProcessBroker,
    private readonly graceMs: number,
    private readonly log: Log,
  ) {
    super();
  }

  server(topic: Topic, slots: number): InProcessServer {
    return new InProcessServer({ topic, slots, graceMs: this.graceMs }, this.broker, this.log);
  }
}
