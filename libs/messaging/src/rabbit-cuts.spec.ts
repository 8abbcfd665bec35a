import type { INestApplication } from '@nestjs/common';
import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type RabbitBroker, startRabbit } from '../../../test/support/rabbit';
import { RabbitRig } from '../../../test/support/rabbit-rig';
import { TcpProxy } from '../../../test/support/tcp-proxy';
import { becomes, serveTopics } from '../../../test/support/topic-app';
import { RabbitServer } from './rabbit.server';

const CUTS = 60;
/** Longer than connecting and asking for the queues takes, so that the cuts fall on each step of it. */
const LONGEST_LIFE_MS = 1_300;

describe('when the connection to the broker breaks', () => {
  let broker: RabbitBroker;
  let proxy: TcpProxy;
  let rig: RabbitRig;
  let app: INestApplication | undefined;
  const unhandled: unknown[] = [];
  const note = (reason: unknown): unknown => unhandled.push(reason);

  beforeAll(async () => {
    broker = await startRabbit();
    const { hostname, port } = new URL(broker.url);
    proxy = await TcpProxy.to(hostname, Number(port));
    process.on('unhandledRejection', note);
  }, 300_000);

  afterAll(async () => {
    process.removeListener('unhandledRejection', note);
    await proxy.close();
    await broker.stop();
  });

  beforeEach(() => {
    app = undefined;
    unhandled.length = 0;
    jest.restoreAllMocks();
    rig = new RabbitRig({ url: `amqp://guest:guest@127.0.0.1:${proxy.port}` });
  });

  afterEach(async () => {
    proxy.open();
    await app?.close();
    await rig.close();
  });

  const isHealthy = async (): Promise<boolean> => (await rig.health.report()).status === 'ok';

  it(`comes back from ${CUTS} cuts at any moment`, async () => {
    let handled = 0;
    app = await serveTopics(rig.transports, { image: 2, video: 1 }, { image: () => handled++ });
    await rig.doorbell.onModuleInit();
    for (let cut = 0; cut < CUTS; cut++) {
      await pause(randomInt(LONGEST_LIFE_MS));
      rig.doorbell.ring('image', 2).catch(() => undefined); // whether it arrives is chance
      proxy.refuse();
      proxy.open();
    }
    await becomes(isHealthy, true);
    await becomes(() => rig.doorbell.waiting('image'), 0);
    const before = handled;
    await rig.doorbell.ring('image', 3);
    await becomes(() => handled, before + 3);
    expect(unhandled).toEqual([]);
  }, 180_000);

  it('makes a queue anew that never lets a consumer in, as one without a leader does', async () => {
    await rig.put('image', Buffer.from('{"pattern":"image","data":{"topic":"image"}}'));
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
    const { setupChannel } = RabbitServer.prototype;
    let setups = 0;
    jest.spyOn(RabbitServer.prototype, 'setupChannel').mockImplementation(function (
      this: RabbitServer,
      channel,
    ) {
      if (++setups <= 2) channel.consume = () => new Promise(() => undefined);
      return setupChannel.call(this, channel);
    });
    let handled = 0;
    app = await serveTopics(rig.transports, { image: 1 }, { image: () => handled++ });
    await becomes(isHealthy, true, 60_000);
    expect(setups).toBeGreaterThanOrEqual(3);
    // The message from before went with the queue; a new one arrives.
    expect(handled).toBe(0);
    await rig.doorbell.ring('image', 1);
    await becomes(() => handled, 1);
  }, 120_000);

  it('asks anew when the broker leaves the first questions unanswered', async () => {
    const unanswered = jest
      .spyOn(rig.topology, 'assert')
      .mockImplementationOnce(() => new Promise(() => undefined))
      .mockImplementationOnce(() => new Promise(() => undefined));
    let handled = 0;
    app = await serveTopics(rig.transports, { image: 1 }, { image: () => handled++ });
    await rig.doorbell.onModuleInit();
    await becomes(() => unanswered.mock.calls.length, 2);
    await becomes(isHealthy, true, 30_000);
    await rig.doorbell.ring('image', 1);
    await becomes(() => handled, 1);
  }, 120_000);
});
