import { type HttpHost, startHttpHost } from '../../../test/support/http-host';
import { loopbackFetch } from '../../../test/support/loopback-fetch';
import { until } from '../../../test/support/until';
import { retryAfterSeconds } from './host-busy';
import { HostGate } from './host-gate';
import type { SafeFetch } from './safe-fetch';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');

it.each([
  [undefined, null],
  ['', null],
  ['soon', null],
  ['-5', null],
  ['1.5', null],
  ['2026', 2_026],
  ['0', 1],
  ['30', 30],
  [' 30 ', 30],
  ['999999999999', 3_600],
  ['Sun, 01 Mar 2026 12:01:30 GMT', 90],
  ['Sunday, 01-Mar-26 12:01:30 GMT', 90],
  ['Sun, 01 Mar 2020 12:00:00 GMT', 1],
  ['Sun, 01 Mar 2126 12:00:00 GMT', 3_600],
])('reads Retry-After: %s as %s seconds', (value, seconds) => {
  expect(retryAfterSeconds(value, NOW_MS)).toBe(seconds);
});

describe('a gate', () => {
  it('lets so many in and the next one when one leaves, in their order', async () => {
    const gate = new HostGate(2);
    const leave = [await gate.enter('a'), await gate.enter('a')];
    const entered: number[] = [];
    const waiting = [1, 2].map((turn) => gate.enter('a').then(() => entered.push(turn)));
    const leaveOther = await gate.enter('b');
    leaveOther();
    expect(entered).toEqual([]);
    leave[0]!();
    leave[0]!();
    await waiting[0];
    expect(entered).toEqual([1]);
    leave[1]!();
    await waiting[1];
    expect(entered).toEqual([1, 2]);
  });

  it('loses no place to one who gives up waiting', async () => {
    const gate = new HostGate(1);
    const leave = await gate.enter('a');
    const controller = new AbortController();
    const impatient = gate.enter('a', controller.signal);
    const patient = gate.enter('a');
    controller.abort(new Error('enough'));
    await expect(impatient).rejects.toThrow('enough');
    leave();
    (await patient)();
    (await gate.enter('a'))();
  });

  it('stays closed for the host that asked for it, to those who wait before it as well', async () => {
    const gate = new HostGate(1);
    const leave = await gate.enter('a');
    const waiting = gate.enter('a');
    gate.close('a', 60);
    leave();
    await expect(waiting).rejects.toMatchObject({ code: 'host_busy', retryAfterSeconds: 60 });
    await expect(gate.enter('a')).rejects.toMatchObject({ retryAfterSeconds: 60 });
    (await gate.enter('b'))();
  });

  it('opens when the time is over', async () => {
    const gate = new HostGate(1);
    gate.close('a', 0.05);
    await expect(gate.enter('a')).rejects.toMatchObject({ code: 'host_busy', retryAfterSeconds: 1 });
    await until('it is open', () => gate.enter('a').then((leave) => (leave(), true)));
  });
});

describe('calls to one host', () => {
  let host: HttpHost;
  let fetch: SafeFetch;
  beforeEach(async () => {
    host = await startHttpHost((_request, response) => response.end('file'));
    fetch = loopbackFetch([host.port], { perHost: 3 });
  });
  afterEach(async () => {
    await fetch.onApplicationShutdown();
    await host.close();
  });
  const read = async (url = host.url) => (await fetch.open(url, { maxBytes: 100 })).body.toArray();

  it('are at most so many at a time until their bodies have ended', async () => {
    let now = 0;
    let most = 0;
    host.answer = (request, response) => {
      most = Math.max(most, (now += 1));
      response.write('fi');
      setTimeout(() => response.end('le', () => (now -= 1)), 20);
      request.resume();
    };
    await Promise.all(Array.from({ length: 20 }, () => read()));
    expect(host.hits).toHaveLength(20);
    expect(most).toBe(3);
  });

  it('give their place back however they end', async () => {
    const endings: (() => Promise<unknown>)[] = [
      () => read(`${host.url}/404`).catch(() => undefined),
      () => fetch.open(host.url, { maxBytes: 1 }).catch(() => undefined),
      () => fetch.open(host.url, { maxBytes: 100 }).then(({ body }) => body.destroy()),
      () => read(`${host.url}/reset`).catch(() => undefined),
    ];
    host.answer = (request, response) => {
      if (request.url === '/reset') request.socket.destroy();
      else response.writeHead(request.url === '/404' ? 404 : 200).end('file');
    };
    for (const end of endings) await Promise.all(Array.from({ length: 4 }, end));
    await expect(read()).resolves.toHaveLength(1);
  });

  it('stop for as long as it asked for, and go on at other hosts', async () => {
    host.answer = (_request, response) => response.writeHead(429, { 'retry-after': '120' }).end();
    await expect(read()).rejects.toMatchObject({ code: 'host_busy', retryAfterSeconds: 120 });
    host.answer = (_request, response) => response.end('file');
    await expect(read()).rejects.toMatchObject({
      code: 'host_busy',
      retryAfterSeconds: expect.any(Number) as number,
    });
    expect(host.hits).toHaveLength(1);
    await read(`http://127.0.0.2:${host.port}/`);
  });

  it('stop also where it is reached by a redirect', async () => {
    host.answer = (request, response) => {
      if (request.url === '/there')
        return void response.writeHead(302, { location: `http://127.0.0.3:${host.port}/` }).end();
      response.writeHead(503, { 'retry-after': '60' }).end();
    };
    await expect(read(`${host.url}/there`)).rejects.toMatchObject({ code: 'host_busy' });
    await expect(read(`http://127.0.0.3:${host.port}/`)).rejects.toMatchObject({ code: 'host_busy' });
    expect(host.hits).toHaveLength(2);
    await expect(read(`${host.url}/there`)).rejects.toMatchObject({ code: 'host_busy' });
    expect(host.hits).toHaveLength(3);
  });
});
