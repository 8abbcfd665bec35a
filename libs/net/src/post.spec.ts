import type { IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { type HttpHost, startHttpHost } from '../../../test/support/http-host';
import { loopbackFetch } from '../../../test/support/loopback-fetch';
import { until } from '../../../test/support/until';
import type { PostOptions, SafeFetch } from './safe-fetch';

let host: HttpHost;
let fetch: SafeFetch;
beforeEach(async () => {
  host = await startHttpHost((_request, response) => response.end());
  fetch = loopbackFetch([host.port]);
});
afterEach(async () => {
  await fetch.onApplicationShutdown();
  await host.close();
});

const post = (options: Partial<PostOptions> = {}) =>
  fetch.post(`${host.url}/hook`, { body: '{"a":"é"}', headers: {}, timeoutMs: 5_000, ...options });

it('sends the bytes and headers that it was given', async () => {
  const heard: { headers: IncomingHttpHeaders; body: string }[] = [];
  host.answer = (request, response) =>
    void text(request).then((body) => {
      heard.push({ headers: request.headers, body });
      response.end();
    });
  const headers = { 'content-type': 'application/json', 'webhook-signature': 'v1,abc' };
  expect(await post({ headers })).toEqual({ status: 200 });
  expect(heard).toEqual([
    { headers: expect.objectContaining({ ...headers, 'content-length': '10' }) as object, body: '{"a":"é"}' },
  ]);
});

it.each([200, 204, 400, 404, 410, 429, 500, 503])('tells that the host answered %d', async (status) => {
  host.answer = (_request, response) => response.writeHead(status, { 'retry-after': '60' }).end();
  expect(await post()).toEqual({ status });
});

it.each([301, 302, 303, 307, 308])('does not follow a %d', async (status) => {
  host.answer = (_request, response) => response.writeHead(status, { location: '/elsewhere' }).end();
  expect(await post()).toEqual({ status });
  expect(host.hits).toEqual(['POST /hook']);
});

it('reads as much of the answer as may be and no more', async () => {
  let sent = 0;
  let closed = false;
  host.answer = (request, response) => {
    request.socket.once('close', () => (closed = true));
    const more = (): void => {
      while (!response.destroyed) {
        sent += 1 << 16;
        if (!response.write(Buffer.alloc(1 << 16))) return void response.once('drain', more);
      }
    };
    more();
  };
  expect(await post()).toEqual({ status: 200 });
  await until('the host was left', () => closed);
  expect(sent).toBeLessThan(20 << 20);
});

it('gives up on a host that hangs, and knows the status of one that hangs after it', async () => {
  host.answer = () => undefined;
  await expect(post({ timeoutMs: 200 })).rejects.toMatchObject({
    code: 'download_stalled',
    detail: expect.stringContaining('0.2 s') as string,
  });
  host.answer = (_request, response) => void response.writeHead(202).write('wait');
  // It is waited for to the end, so this must not be short: the status has to come before.
  expect(await post({ timeoutMs: 3_000 })).toEqual({ status: 202 });
});

it('tells what is wrong with a host that is down', async () => {
  host.answer = (request) => request.socket.destroy();
  await expect(post()).rejects.toMatchObject({ code: 'download_failed' });
  await host.close();
  await expect(post()).rejects.toMatchObject({ code: 'download_failed' });
});
