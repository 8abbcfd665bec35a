import { AppError } from '@mediakiln/contracts';
import { AppConfig } from '@mediakiln/config';
import { type CollectedSpan, OtlpCollector } from '../../../test/support/otlp-collector';
import { until } from '../../../test/support/until';
import { Log } from './logger';
import { parseTraceparent } from './traceparent';
import { Tracer } from './tracer';
import { activeTraceparent, inSpan, isTracing, runIn, startSpan } from './tracing';

const GIVEN = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const TRACE = GIVEN.slice(3, 35);

function start(otlpEndpoint?: string): { tracer: Tracer; warn: jest.SpyInstance; info: jest.SpyInstance } {
  const config = new AppConfig({
    jwtSecret: 'x'.repeat(32),
    logLevel: 'silent',
    serviceName: 'a-service',
    otlpEndpoint,
  });
  const log = new Log(config);
  return {
    tracer: new Tracer(config, log),
    warn: jest.spyOn(log, 'warn'),
    info: jest.spyOn(log, 'info'),
  };
}

describe('traceparent', () => {
  it.each([
    ['a whole one', GIVEN, { traceId: TRACE, spanId: '00f067aa0ba902b7', traceFlags: 1 }],
    ['one that is not sampled', GIVEN.replace(/01$/, '00'), { traceFlags: 0 }],
    ['one of a later version', `cc${GIVEN.slice(2)}-what-comes-later`, { traceId: TRACE }],
  ])('is read: %s', (_, text, expected) => {
    expect(parseTraceparent(text)).toMatchObject(expected);
  });

  it.each([
    ['nothing', undefined],
    ['several headers', [GIVEN, GIVEN]],
    ['upper case', GIVEN.toUpperCase()],
    ['no version', `ff${GIVEN.slice(2)}`],
    ['more than version 00 has', `${GIVEN}-more`],
    ['a trace of zeros', GIVEN.replace(TRACE, '0'.repeat(32))],
    ['a span of zeros', GIVEN.replace('00f067aa0ba902b7', '0'.repeat(16))],
    ['something long', 'a'.repeat(100_000)],
  ])('is ignored: %s', (_, text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });
});

describe('without a collector', () => {
  it('makes no span and passes work through', async () => {
    start();
    expect(isTracing()).toBe(false);
    expect(startSpan({ name: 'x', kind: 'server', parent: GIVEN })).toBeUndefined();
    const traceparent = await inSpan({ name: 'x', parent: GIVEN }, async () => activeTraceparent());
    expect(traceparent).toBeNull();
  });
});

describe('with a collector', () => {
  let collector: OtlpCollector;
  beforeEach(async () => {
    collector = await OtlpCollector.start();
  });
  afterEach(() => collector.close());

  const named = (name: string): CollectedSpan => {
    const found = collector.spans.find((span) => span.name === name);
    if (!found) throw new Error(`no span ${name} among ${collector.spans.map((span) => span.name).join()}`);
    return found;
  };

  it('sends spans with their parents, links and failures, the last ones at the end', async () => {
    const { tracer } = start(collector.url);
    const server = startSpan({ name: 'request', kind: 'server', parent: GIVEN })!;
    let stored: string | null = null;
    await runIn(server, () =>
      inSpan({ name: 'ring', kind: 'producer' }, async () => {
        stored = activeTraceparent();
      }),
    );
    server.end();
    await inSpan({ name: 'answer', kind: 'consumer', parent: null }, async () => {
      const attempt = inSpan({ name: 'attempt', parent: stored, isLinked: true }, () =>
        inSpan({ name: 'engine', attributes: { 'media.stage': 'cut' } }, () =>
          Promise.reject(new AppError('engine_crashed', 'secret words of a user')),
        ),
      );
      await expect(attempt).rejects.toThrow('secret words');
    });
    await tracer.onApplicationShutdown();

    expect(collector.spans.map((span) => span.service)).toEqual(Array(5).fill('a-service'));
    expect(named('request')).toMatchObject({ kind: 2, traceId: TRACE, parentSpanId: '00f067aa0ba902b7' });
    expect(named('ring')).toMatchObject({ kind: 4, traceId: TRACE, parentSpanId: named('request').spanId });
    expect(named('answer').parentSpanId).toBeUndefined();
    expect(named('answer').traceId).not.toBe(TRACE);
    expect(named('attempt')).toMatchObject({
      traceId: TRACE,
      parentSpanId: named('ring').spanId,
      links: [{ traceId: named('answer').traceId, spanId: named('answer').spanId }],
    });
    expect(named('engine')).toMatchObject({
      parentSpanId: named('attempt').spanId,
      attributes: { 'media.stage': 'cut', 'error.type': 'engine_crashed' },
      status: { code: 2, message: 'engine_crashed' },
    });
    expect(JSON.stringify(collector.spans)).not.toContain('secret words');
    expect(isTracing()).toBe(false);
  });

  it('heeds a client that does not want to be sampled', async () => {
    const { tracer } = start(collector.url);
    await inSpan({ name: 'x', parent: GIVEN.replace(/01$/, '00') }, async () => {
      expect(activeTraceparent()).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
    });
    await tracer.onApplicationShutdown();
    expect(collector.spans).toEqual([]);
  });

  it('says once that the collector refuses, works on, and says when it is back', async () => {
    const { tracer, warn, info } = start(collector.url);
    collector.status = 400;
    for (let round = 1; round <= 3; round += 1) {
      expect(await inSpan({ name: 'x' }, async () => round)).toBe(round);
      await until('the refusal', () => collector.requests >= round);
    }
    collector.status = 200;
    await inSpan({ name: 'y' }, async () => undefined);
    await until('the span', () => collector.spans.length > 0);
    await until('the good news', () => info.mock.calls.length > 0);
    expect(warn.mock.calls.map(([message]) => message as string)).toEqual([
      'traces cannot be exported, spans are dropped',
    ]);
    expect(info.mock.calls.map(([message]) => message as string)).toEqual(['traces are exported again']);
    await tracer.onApplicationShutdown();
  });

  it('ends in time although the collector never answers', async () => {
    const { tracer, warn } = start(collector.url);
    collector.status = 0;
    await inSpan({ name: 'x' }, async () => undefined);
    await tracer.onApplicationShutdown();
    expect(collector.requests).toBe(1);
    // The exporter itself has not given up yet: it would say so.
    expect(warn).not.toHaveBeenCalled();
  });
});
