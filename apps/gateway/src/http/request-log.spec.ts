import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { Body, Controller, Get, Module, Post } from '@nestjs/common';
import { Log, Meter, activeTraceparent, inSpan } from '@mediakiln/observability';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { OtlpCollector } from '../../../../test/support/otlp-collector';
import { makeGate } from '../../../../test/support/topic-app';
import { until } from '../../../../test/support/until';
import { Public } from './access';

/** The slow request has begun; it may go on. */
const [begun, goOn] = [makeGate(), makeGate()];

@Public()
@Controller('probe')
class ProbeController {
  @Get('bug')
  bug(): never {
    throw new Error('a bug');
  }

  @Get('secret/:token')
  secret(): string {
    return 'ok';
  }

  @Post('trace')
  async trace(@Body() _body: object): Promise<{ active: string | null }> {
    return inSpan({ name: 'inner' }, async () => ({ active: activeTraceparent() }));
  }

  @Get('slow')
  async slow(): Promise<string> {
    begun.open();
    await goOn.passed;
    throw new Error('the client is gone');
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

let gateway: TestGateway;
let info: jest.SpyInstance;
let error: jest.SpyInstance;
beforeAll(async () => {
  gateway = await startGateway({ modules: [ProbeModule] });
  info = jest.spyOn(gateway.app.get(Log), 'info');
  error = jest.spyOn(gateway.app.get(Log), 'error');
});
afterEach(() => jest.clearAllMocks());
afterAll(() => gateway.close());

/** So many lines are there, and a moment has passed for those that should not be. */
async function settled(lines = 0): Promise<void> {
  await until(`${lines} lines`, () => info.mock.calls.length >= lines);
  await new Promise((resolve) => setTimeout(resolve, 50));
}

it('writes one line per request, with the pattern of the route and the owner', async () => {
  const { authorization, user } = await gateway.register();
  await settled(1);
  info.mockClear();
  await fetch(`${gateway.url}/v1/auth/me?sig=tell-nobody`, {
    headers: { ...authorization, 'x-request-id': 'a1' },
  });
  await settled(1);
  expect(info.mock.calls).toEqual([
    [
      'request',
      {
        method: 'GET',
        route: '/v1/auth/me',
        status: 200,
        duration_ms: expect.any(Number),
        request_id: 'a1',
        owner_id: user.id,
      },
    ],
  ]);
});

it('writes no part of an address that a client chose', async () => {
  await fetch(`${gateway.url}/probe/secret/token-1`);
  await fetch(`${gateway.url}/probe/secrets/token-1?token=token-1`);
  await settled(2);
  expect(info).toHaveBeenCalledTimes(2);
  expect(JSON.stringify(info.mock.calls)).not.toContain('token-1');
});

it('keeps quiet about health checks', async () => {
  await fetch(`${gateway.url}/health/live`);
  await settled();
  expect(info).not.toHaveBeenCalled();
});

it('logs a failure of ours once, with its cause and the request id', async () => {
  const response = await fetch(`${gateway.url}/probe/bug`);
  await settled(1);
  expect(error).toHaveBeenCalledTimes(1);
  expect(error).toHaveBeenCalledWith(
    'request failed',
    expect.objectContaining({
      request_id: response.headers.get('x-request-id'),
      err: expect.objectContaining({ message: 'a bug' }),
    }),
  );
});

it('counts a client that hangs up as 499, and its failure as nobody’s', async () => {
  const socket = connect(gateway.config.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('GET /probe/slow HTTP/1.1\r\nHost: a\r\n\r\n');
  await begun.passed;
  socket.destroy();
  await settled(1);
  goOn.open();
  await settled();
  expect(info).toHaveBeenCalledWith(
    'request',
    expect.objectContaining({ route: '/probe/slow', status: 499 }),
  );
  expect(error).not.toHaveBeenCalled();
});

it('observes each request once, by the pattern of its route', async () => {
  const { requestDuration } = gateway.app.get(Meter);
  requestDuration.reset();
  for (const path of ['/probe/secret/one', '/probe/secret/two?a=1', '/nowhere/at/all', '/probe/bug'])
    await (await fetch(gateway.url + path)).text();
  await settled(4);
  const counts = (await requestDuration.get()).values.filter(
    ({ metricName }) => metricName === 'media_http_request_duration_seconds_count',
  );
  expect(counts.map(({ labels, value }) => [labels.method, labels.route, labels.status, value])).toEqual([
    ['GET', '/probe/secret/:token', 200, 2],
    ['GET', 'unmatched', 404, 1],
    ['GET', '/probe/bug', 500, 1],
  ]);
});

it('tells no client of a trace while traces are off', async () => {
  const answer = await fetch(`${gateway.url}/probe/secret/one`, {
    headers: { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
  });
  expect(answer.headers.get('traceparent')).toBeNull();
});

describe('with a collector of traces', () => {
  const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
  let collector: OtlpCollector;
  let traced: TestGateway;
  beforeAll(async () => {
    collector = await OtlpCollector.start();
    traced = await startGateway({ modules: [ProbeModule], config: { otlpEndpoint: collector.url } });
  });
  afterAll(async () => {
    await traced.close();
    await collector.close();
  });

  it('continues the trace of a client through the body, the handler, the log and the answer', async () => {
    const log = jest.spyOn(traced.app.get(Log), 'info');
    const post = request(`${traced.url}/probe/trace?sig=tell-nobody`, {
      method: 'POST',
      headers: { traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, 'content-type': 'application/json' },
    });
    post.flushHeaders();
    await settled(); // so that the body comes by an event of its own
    post.end('{}');
    const [answer] = (await once(post, 'response')) as [IncomingMessage];
    const { active } = JSON.parse(Buffer.concat(await answer.toArray()).toString()) as { active: string };
    const spans = await until('the spans', () => {
      const found = collector.ofTrace(TRACE);
      return found.length === 2 && found;
    });
    const server = spans.find(({ kind }) => kind === 2)!;
    const inner = spans.find(({ name }) => name === 'inner')!;
    expect(server).toMatchObject({
      name: 'POST /probe/trace',
      parentSpanId: '00f067aa0ba902b7',
      attributes: { 'http.route': '/probe/trace', 'http.request.method': 'POST' },
    });
    expect(inner.parentSpanId).toBe(server.spanId);
    expect(active).toBe(`00-${TRACE}-${inner.spanId}-01`);
    expect(answer.headers.traceparent).toBe(`00-${TRACE}-${server.spanId}-01`);
    expect(log).toHaveBeenCalledWith('request', expect.objectContaining({ trace_id: TRACE }));
    expect(JSON.stringify(collector.spans)).not.toContain('tell-nobody');
  });

  it('begins a trace where the client names none, marks failures of ours, and leaves health checks out', async () => {
    await fetch(`${traced.url}/health/live`);
    const answer = await fetch(`${traced.url}/probe/bug`, { headers: { traceparent: 'nonsense' } });
    const span = await until('the span', () => collector.spans.find(({ name }) => name === 'GET /probe/bug'));
    expect(answer.headers.get('traceparent')).toBe(`00-${span.traceId}-${span.spanId}-01`);
    expect(span.parentSpanId).toBeUndefined();
    expect(span.status).toEqual({ code: 2, message: '500' });
    expect(collector.spans.map(({ name }) => name).join()).not.toContain('health');
  });
});
