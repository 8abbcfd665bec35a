import type { INestApplication } from '@nestjs/common';
import { type RabbitBroker, startRabbit } from '../../../test/support/rabbit';
import { RabbitRig } from '../../../test/support/rabbit-rig';
import { becomes, eventually, makeGate, serveTopics } from '../../../test/support/topic-app';

const CONSUMER_TIMEOUT_MS = 60_000;
/** The broker compares once a minute, so that it may strike at nearly twice the timeout. */
const STRIKES_WITHIN_MS = 200_000;

describe('when a handler outlasts the consumer timeout of the broker', () => {
  let broker: RabbitBroker;
  let rig: RabbitRig;
  let app: INestApplication | undefined;

  beforeAll(async () => {
    broker = await startRabbit({ consumerTimeoutMs: CONSUMER_TIMEOUT_MS });
    rig = new RabbitRig({ url: broker.url, consumerTimeoutMs: CONSUMER_TIMEOUT_MS });
  }, 300_000);

  afterAll(async () => {
    await app?.close();
    await rig.close();
    await broker.stop();
  }, 60_000);

  it(
    'lets it run on to its one end, gives the ring to another slot, and goes on consuming',
    async () => {
      const gate = makeGate();
      const ends: string[] = [];
      let calls = 0;
      const work = async (): Promise<void> => {
        const call = ++calls;
        if (call === 1) await gate.passed;
        ends.push(call === 1 ? 'long' : 'short');
      };
      app = await serveTopics(rig.transports, { image: 2 }, { image: work });
      await eventually(
        async () => (await rig.health.report()).status,
        (status) => status === 'ok',
      );
      await rig.doorbell.ring('image', 1);
      await eventually(
        () => ends,
        (list) => list.includes('short'),
        STRIKES_WITHIN_MS,
      );
      expect(ends).toEqual(['short']);

      gate.open();
      await eventually(
        () => ends,
        (list) => list.includes('long'),
      );
      await rig.doorbell.ring('image', 1);
      await becomes(() => ends.length, 3);
      expect(ends).toEqual(['short', 'long', 'short']);
      expect((await rig.meter.failedAcks.get()).values[0]?.value).toBe(1);
      expect(await rig.dead()).toBe(0);
    },
    STRIKES_WITHIN_MS + 60_000,
  );
});
