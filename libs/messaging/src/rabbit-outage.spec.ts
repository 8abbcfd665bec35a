import type { INestApplication } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { type RabbitBroker, startRabbit } from '../../../test/support/rabbit';
import { RabbitRig } from '../../../test/support/rabbit-rig';
import { becomes, eventually, makeGate, serveTopics } from '../../../test/support/topic-app';
import { BROKER_ANSWER_MS } from './rabbit.connection';

/** A ring must not keep a request waiting for longer; more than the promise, since the machine may be busy. */
const RING_GIVES_UP_MS = 10_000;

describe('when the broker goes away', () => {
  let broker: RabbitBroker;
  let rig: RabbitRig;
  let app: INestApplication | undefined;

  beforeAll(async () => {
    broker = await startRabbit();
  }, 300_000);

  afterAll(() => broker.stop());

  beforeEach(() => {
    app = undefined;
    rig = new RabbitRig({ url: broker.url });
  });

  afterEach(async () => {
    await app?.close();
    await rig.close();
  });

  const isHealthy = async (): Promise<boolean> => (await rig.health.report()).status === 'ok';

  const refusalMs = async (): Promise<number> => {
    const begun = performance.now();
    await expect(rig.doorbell.ring('image', 1)).rejects.toBeInstanceOf(Error);
    return performance.now() - begun;
  };

  it('starts without one, says so, and works when it comes', async () => {
    await broker.kill9();
    let handled = 0;
    app = await serveTopics(rig.transports, { image: 1 }, { image: () => handled++ });
    await rig.doorbell.onModuleInit();
    const { status, checks } = await eventually(
      () => rig.health.report(),
      (report) => report.checks.broker?.detail?.includes('ECONNREFUSED') ?? false,
    );
    expect(status).toBe('unavailable');
    expect(checks['consumer of image']).toMatchObject({
      status: 'failing',
      detail: expect.stringContaining('cannot be reached') as string,
    });
    expect(await refusalMs()).toBeLessThan(RING_GIVES_UP_MS);

    await broker.start();
    await becomes(isHealthy, true);
    await rig.doorbell.ring('image', 1);
    await becomes(() => handled, 1);
  }, 120_000);

  it('loses no confirmed ring to kill -9, and both sides recover by themselves', async () => {
    const gate = makeGate();
    let started = 0;
    let handled = 0;
    const work = async (): Promise<void> => {
      started++;
      await gate.passed;
      handled++;
    };
    app = await serveTopics(rig.transports, { image: 2 }, { image: work });
    await becomes(isHealthy, true);
    await rig.doorbell.ring('image', 20);
    await becomes(() => rig.doorbell.waiting('image'), 18);

    await broker.kill9();
    await becomes(isHealthy, false);
    expect(await refusalMs()).toBeLessThan(RING_GIVES_UP_MS);
    await broker.start();
    await becomes(isHealthy, true);
    // Two handlers still run from before, and their messages were delivered again: no third one may start.
    await becomes(() => rig.doorbell.waiting('image'), 18);
    await pause(300);
    expect({ started, handled }).toEqual({ started: 2, handled: 0 });
    gate.open();
    await eventually(
      () => rig.doorbell.waiting('image').then((waiting) => ({ waiting, handled })),
      (seen) => seen.waiting === 0 && seen.handled === 22,
    );
    expect((await rig.meter.failedAcks.get()).values[0]?.value).toBe(2);
    await rig.doorbell.ring('image', 1);
    await becomes(() => handled, 23);
  }, 120_000);

  it('neither rings for ever nor hangs on close while the broker is frozen', async () => {
    rig = new RabbitRig({ url: broker.url, answerMs: BROKER_ANSWER_MS });
    app = await serveTopics(rig.transports, { image: 1 }, { image: () => undefined });
    await becomes(isHealthy, true);
    process.kill(await broker.pid(), 'SIGSTOP');
    try {
      expect(await refusalMs()).toBeLessThan(RING_GIVES_UP_MS);
      expect(await isHealthy()).toBe(false);
      await app.close();
      await rig.doorbell.onApplicationShutdown();
    } finally {
      process.kill(await broker.pid(), 'SIGCONT');
    }
  }, 120_000);

  it('closes both sides while the broker is gone', async () => {
    app = await serveTopics(rig.transports, { image: 1 }, { image: () => undefined });
    await becomes(isHealthy, true);
    await broker.kill9();
    await becomes(isHealthy, false);
    await app.close();
    await rig.doorbell.onApplicationShutdown();
    await broker.start();
  }, 120_000);
});
