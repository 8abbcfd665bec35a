import { becomes, quietLog } from '../../../test/support/topic-app';
import { InProcessBroker } from './in-process.broker';
import { InProcessDoorbell } from './in-process.doorbell';
import { InProcessTransports } from './in-process.transports';
import { type TransportRig, describeTransport } from './transport.contract';

function open(graceMs: number): Promise<TransportRig> {
  const broker = new InProcessBroker();
  return Promise.resolve({
    doorbell: new InProcessDoorbell(broker),
    transports: new InProcessTransports(broker, graceMs, quietLog()),
    put: (topic, content) => Promise.resolve(broker.put(topic, content)),
    dead: () => Promise.resolve(broker.dead.length),
    close: () => Promise.resolve(),
  } satisfies TransportRig);
}

describeTransport('in-process', open);

describe('the in-process doorbell', () => {
  it('never runs a handler in the stack of the one who rings', async () => {
    const broker = new InProcessBroker();
    let isInside = false;
    const rungInside: boolean[] = [];
    broker.subscribe('image', () => rungInside.push(isInside));
    isInside = true;
    const ringing = new InProcessDoorbell(broker).ring('image', 1);
    isInside = false;
    await ringing;
    await becomes(() => rungInside.length, 1);
    expect(rungInside).toEqual([false]);
  });
});
