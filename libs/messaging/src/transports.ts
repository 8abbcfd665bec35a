import type { Topic } from '@mediakiln/contracts';
import type { CustomTransportStrategy } from '@nestjs/microservices';

/**
 * The receiving side: one server per topic, to be given to `app.connectMicroservice({ strategy })`.
 * The server acknowledges when the handler resolves, gives the message back when it throws,
 * and on close stops consuming, waits for running handlers, then disconnects.
 */
export abstract class Transports {
  /** @param slots messages in work at a time. */
  abstract server(topic: Topic, slots: number): CustomTransportStrategy;
}
