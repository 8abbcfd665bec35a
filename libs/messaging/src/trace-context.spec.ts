import type { INestApplication } from '@nestjs/common';
import { Log, Tracer, activeTraceparent, inSpan } from '@mediakiln/observability';
import { testConfig } from '../../../test/support/jobs';
import { type CollectedSpan, OtlpCollector } from '../../../test/support/otlp-collector';
import { provideRabbit } from '../../../test/support/rabbit';
import { RabbitRig } from '../../../test/support/rabbit-rig';
import { becomes, eventually, quietLog, serveTopics } from '../../../test/support/topic-app';
import type { Doorbell } from './doorbell';
import { InProcessBroker } from './in-process.broker';
import { InProcessDoorbell } from './in-process.doorbell';
import { InProcessTransports } from './in-process.transports';
import type { Transports } from './transports';

let broker: Awaited<ReturnType<typeof provideRabbit>>;
let collector: OtlpCollector;
let tracer: Tracer | undefined;
let rigs: RabbitRig[] = [];
let apps: INestApplication[] = [];

beforeAll(async () => {
  broker = await provideRabbit();
}, 300_000);
afterAll(() => broker.stop());
beforeEach(async () => {
  collector = await OtlpCollector.start();
});
afterEach(async () => {
  await Promise.all(apps.map((app) => app.close()));
  await Promise.all(rigs.map((rig) => rig.close()));
  [apps, rigs] = [[], []];
  await tracer?.onApplicationShutdown();
  tracer = undefined;
  await collector.close();
});

const startTracing = (): Tracer => {
  const config = testConfig({ otlpEndpoint: collector.url });
  return (tracer = new Tracer(config, new Log(config)));
};

async function rabbit(): Promise<RabbitRig> {
  const rig = new RabbitRig({ url: broker.url });
  rigs.push(rig);
  await rig.doorbell.onModuleInit();
  await eventually(
    () => rig.health.report(),
    (report) => report.status === 'ok',
  );
  return rig;
}

/** Rings within a span; @returns that span's traceparent and what the handler and the collector saw. */
async function ringAndAnswer(
  doorbell: Doorbell,
  transports: Transports,
): Promise<{ rung: string; answered: string; span: CollectedSpan }> {
  const seen: (string | null)[] = [];
  const app = await serveTopics(transports, { image: 1 }, { image: () => seen.push(activeTraceparent()) });
  apps.push(app);
  const rung = await inSpan({ name: 'ring', kind: 'producer' }, async () => {
    await doorbell.ring('image', 1);
    return activeTraceparent()!;
  });
  await becomes(() => seen.length, 1);
  await app.close();
  await tracer!.onApplicationShutdown();
  return { rung, answered: seen[0]!, span: collector.spans.find(({ name }) => name === 'answer image')! };
}

function expectOneTrace({ rung, answered, span }: Awaited<ReturnType<typeof ringAndAnswer>>): void {
  const [, traceId, ringingSpan] = rung.split('-');
  expect(span).toMatchObject({ kind: 5, traceId, parentSpanId: ringingSpan });
  expect(answered).toBe(`00-${traceId}-${span.spanId}-01`);
}

it('RabbitMQ carries the trace of a ring to its handler', async () => {
  startTracing();
  const rig = await rabbit();
  expectOneTrace(await ringAndAnswer(rig.doorbell, rig.transports));
});

it('the in-process transport does, too', async () => {
  startTracing();
  const inProcess = new InProcessBroker();
  const transports = new InProcessTransports(inProcess, 1_000, quietLog());
  expectOneTrace(await ringAndAnswer(new InProcessDoorbell(inProcess), transports));
});

it('a message on RabbitMQ has the header traceparent while traces are on, and no such header else', async () => {
  const rig = await rabbit();
  const header = (): Promise<unknown> =>
    rig.meddle(async (channel) => {
      const message = await channel.get(rig.topology.queueOf('image'), { noAck: true });
      return message === false ? 'no message' : message.properties.headers?.traceparent;
    });
  await rig.doorbell.ring('image', 1);
  await becomes(() => rig.doorbell.waiting('image'), 1);
  expect(await header()).toBeUndefined();

  startTracing();
  const rung = await inSpan({ name: 'ring' }, async () => {
    await rig.doorbell.ring('image', 1);
    return activeTraceparent();
  });
  await becomes(() => rig.doorbell.waiting('image'), 1);
  expect(await header()).toBe(rung);
});

it('a message with nonsense for a trace is handled all the same', async () => {
  startTracing();
  const rig = await rabbit();
  let handled = 0;
  const app = await serveTopics(rig.transports, { image: 1 }, { image: () => handled++ });
  apps.push(app);
  for (const traceparent of ['nonsense', 7, { a: 1 }])
    await rig.meddle(async (channel) => {
      const ring = Buffer.from(JSON.stringify({ pattern: 'image', data: { topic: 'image' } }));
      channel.sendToQueue(rig.topology.queueOf('image'), ring, { headers: { traceparent } });
    });
  await becomes(() => handled, 3);
  expect(await rig.dead()).toBe(0);
});
