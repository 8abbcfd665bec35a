import type { Topic } from '@mediakiln/contracts';
import { activeTraceparent } from '@mediakiln/observability';
import { Doorbell } from './doorbell';
import type { InProcessBroker } from './in-process.broker';
import { encodeRing } from './ring-message';

export class InProcessDoorbell extends Doorbell {
  constructor(private readonly broker: InProcessBroker) {
    super();
  }

  ring(topic: Topic, count: number): Promise<void> {
    const traceparent = activeTraceparent();
    for (let rung = 0; rung < count; rung++) this.broker.put(topic, encodeRing(topic), traceparent);
    return Promise.resolve();
  }

  waiting(topic: Topic): Promise<number> {
    return Promise.resolve(this.broker.waiting(topic));
  }

  check(): Promise<void> {
    return Promise.resolve();
  }
}
