import type { INestApplication } from '@nestjs/common';
import { provideRabbit } from '../../../test/support/rabbit';
import { RabbitRig } from '../../../test/support/rabbit-rig';
import { becomes, eventually, serveTopics } from '../../../test/support/topic-app';
import { describeTransport } from './transport.contract';

let broker: Awaited<ReturnType<typeof provideRabbit>>;

beforeAll(async () => {
  broker = await provideRabbit();
}, 300_000);

afterAll(() => broker.stop());

describeTransport('RabbitMQ', (graceMs) => Promise.resolve(new RabbitRig({ url: broker.url, graceMs })));

describe('on a RabbitMQ broker', () => {
  let rig: RabbitRig;
  let app: INestApplication | undefined;

  beforeEach(async () => {
    app = undefined;
    rig = new RabbitRig({ url: broker.url });
    await rig.doorbell.onModuleInit();
    await eventually(
      () => rig.health.report(),
      (report) => report.status === 'ok',
    );
  });

  afterEach(async () => {
    await app?.close();
    await rig.close();
  });

  it('comes back after its queue was deleted under it', async () => {
    let handled = 0;
    app = await serveTopics(rig.transports, { image: 1 }, { image: () => handled++ });
    await rig.doorbell.ring('image', 1);
    await becomes(() => handled, 1);
    await rig.meddle((channel) => channel.deleteQueue(rig.topology.queueOf('image')));
    await eventually(
      () =>
        rig.doorbell.ring('image', 1).then(
          () => handled,
          () => handled,
        ),
      (count) => count > 1,
    );
    expect((await rig.health.report()).checks).toMatchObject({ 'consumer of image': { status: 'ok' } });
  });

  it('refuses a ring that no queue takes instead of losing it, and makes the queue anew', async () => {
    await rig.meddle((channel) => channel.deleteQueue(rig.topology.queueOf('image')));
    await expect(rig.doorbell.ring('image', 1)).rejects.toThrow('RabbitMQ has no queue');
    expect(await rig.doorbell.waiting('image')).toBe(0);
    await rig.doorbell.ring('image', 1);
    await becomes(() => rig.doorbell.waiting('image'), 1);
  });
});

describe('a queue that has our name and other arguments', () => {
  it('makes both sides unready with a sentence that names the cure, and both work once it is gone', async () => {
    const rig = new RabbitRig({ url: broker.url });
    const queue = rig.topology.queueOf('image');
    await rig.meddle((channel) => channel.assertQueue(queue, { durable: true }));
    let handled = 0;
    const app = await serveTopics(rig.transports, { image: 1 }, { image: () => handled++ });
    await rig.doorbell.onModuleInit();

    const report = await eventually(
      () => rig.health.report(),
      ({ checks }) => Object.values(checks).every(({ detail }) => detail?.includes('other arguments')),
    );
    expect(Object.keys(report.checks).sort()).toEqual(['broker', 'consumer of image']);
    expect(report.checks.broker?.detail).toContain('delete it there');
    await expect(rig.doorbell.ring('image', 1)).rejects.toThrow('other arguments');

    await rig.meddle((channel) => channel.deleteQueue(queue));
    await eventually(
      () => rig.health.report(),
      ({ status }) => status === 'ok',
    );
    await rig.doorbell.ring('image', 1);
    await becomes(() => handled, 1);
    await app.close();
    await rig.close();
  });
});
