import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { Controller, Get, type MessageEvent, Module, Sse } from '@nestjs/common';
import { type Observable, interval, map, takeUntil } from 'rxjs';
import { LiveEvents } from '../../../../test/support/event-stream';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { makeGate } from '../../../../test/support/topic-app';
import { until } from '../../../../test/support/until';
import { Public } from './access';
import { HttpModule } from './http.module';
import { Shutdown } from './shutdown';

/** The slow request has begun; it may end. */
let begun: ReturnType<typeof makeGate>;
let end: ReturnType<typeof makeGate>;
beforeEach(() => {
  [begun, end] = [makeGate(), makeGate()];
});

@Public()
@Controller('probe')
class ProbeController {
  constructor(private readonly shutdown: Shutdown) {}

  @Sse('events')
  events(): Observable<MessageEvent> {
    return interval(50).pipe(
      map((count) => ({ id: String(count), data: { count } })),
      takeUntil(this.shutdown.closing$),
    );
  }

  @Sse('endless')
  endless(): Observable<MessageEvent> {
    return interval(50).pipe(map((count) => ({ id: String(count), data: { count } })));
  }

  @Get('slow')
  async slow(): Promise<string> {
    begun.open();
    await end.passed;
    return 'done';
  }
}

@Module({ imports: [HttpModule], controllers: [ProbeController] })
class ProbeModule {}

const start = (shutdownGraceSeconds: number): Promise<TestGateway> =>
  startGateway({ modules: [ProbeModule], config: { shutdownGraceSeconds } });

async function secondsToClose(gateway: TestGateway): Promise<number> {
  const startedMs = performance.now();
  await gateway.close();
  return (performance.now() - startedMs) / 1000;
}

it('answers what is in flight, ends event streams cleanly, and is gone soon after', async () => {
  const gateway = await start(20);
  const agent = new Agent({ keepAlive: true });
  const answered = once(get(`${gateway.url}/probe/slow`, { agent }), 'response');
  const events = await LiveEvents.open(`${gateway.url}/probe/events`);
  await until('the first event', () => events.events.length > 0);
  const idle = await fetch(`${gateway.url}/health/live`);
  await idle.text();
  await begun.passed;

  const closing = secondsToClose(gateway);
  await events.ended;
  expect(events.isBroken).toBe(false);
  end.open();
  const [response] = (await answered) as [import('node:http').IncomingMessage];
  expect(response.statusCode).toBe(200);
  expect(response.headers.connection).toBe('close');
  expect(Buffer.concat(await response.toArray()).toString()).toBe('done');
  expect(await closing).toBeLessThan(10);
  agent.destroy();
});

it('is not ready while it drains', async () => {
  const gateway = await start(20);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const answered = once(get(`${gateway.url}/probe/slow`, { agent }), 'response');
  await begun.passed;
  const closing = gateway.close();
  const { HealthRegistry } = await import('@mediakiln/observability');
  const report = await gateway.app.get(HealthRegistry).report();
  expect(report).toMatchObject({ status: 'unavailable', checks: { draining: { status: 'failing' } } });
  end.open();
  ((await answered)[0] as import('node:http').IncomingMessage).resume();
  await closing;
  agent.destroy();
});

it('cuts what does not end by itself when the grace time is over', async () => {
  const gateway = await start(1);
  const events = await fetch(`${gateway.url}/probe/endless`);
  const cut = expect(events.text()).rejects.toThrow();
  const seconds = await secondsToClose(gateway);
  expect(seconds).toBeGreaterThan(0.9);
  expect(seconds).toBeLessThan(10);
  await cut;
});
