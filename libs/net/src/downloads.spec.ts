import type { RequestListener } from 'node:http';
import { type HttpHost, startHttpHost } from '../../../test/support/http-host';
import { loopbackFetch } from '../../../test/support/loopback-fetch';
import { until } from '../../../test/support/until';
import type { DownloadOptions, FetchLimits, SafeFetch } from './safe-fetch';

const MiB = 1 << 20;

let host: HttpHost;
let fetch: SafeFetch;
beforeAll(async () => {
  host = await startHttpHost((_request, response) => response.end());
});
beforeEach(() => {
  host.hits.length = 0;
  fetch = loopbackFetch([host.port]);
});
afterEach(() => fetch.onApplicationShutdown());
afterAll(() => host.close());

const read = async (path = '/', options: Partial<DownloadOptions> = {}): Promise<Buffer> => {
  const { body } = await fetch.open(host.url + path, { maxBytes: MiB, ...options });
  return Buffer.concat((await body.toArray()) as Buffer[]);
};
const answer = (status: number, headers: Record<string, string> = {}, body = ''): RequestListener => {
  return (_request, response) => void response.writeHead(status, headers).end(body);
};

/** Sends zeros until nobody takes them any more, or until so many were sent. */
function endless(
  limit: number,
  headers: Record<string, string> = {},
): { answer: RequestListener; sent: () => number } {
  let sent = 0;
  const block = Buffer.alloc(64 << 10);
  return {
    sent: () => sent,
    answer: (_request, response) => {
      response.writeHead(200, headers);
      const more = (): void => {
        while (!response.destroyed && sent < limit) {
          sent += block.length;
          if (!response.write(block)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    },
  };
}

it('brings a file with its type and the address that it came from in the end, and asks for it unpacked', async () => {
  const asked: unknown[] = [];
  host.answer = (request, response) => {
    if (request.url !== '/c')
      return void response.writeHead(301, { location: request.url === '/a' ? 'b' : '/c' }).end();
    asked.push(request.headers);
    response.writeHead(200, { 'content-type': 'image/png' }).end('bytes');
  };
  const download = await fetch.open(`${host.url}/a#part`, { maxBytes: 5 });
  expect(download).toMatchObject({
    status: 200,
    url: `${host.url}/c`,
    headers: { 'content-type': 'image/png' },
  });
  expect((await download.body.toArray()).join('')).toBe('bytes');
  expect(host.hits).toEqual(['GET /a', 'GET /b', 'GET /c']);
  expect(asked).toEqual([
    expect.objectContaining({ 'accept-encoding': 'identity', 'user-agent': 'Mediakiln' }),
  ]);
  expect(asked[0]).not.toHaveProperty('cookie');
});

it.each<[string, RequestListener, string, RegExp]>([
  ['404', answer(404), 'download_not_found', /answered 404/],
  ['410', answer(410), 'download_not_found', /answered 410/],
  ['401', answer(401), 'download_refused', /answered 401/],
  ['418', answer(418), 'download_refused', /answered 418/],
  ['204', answer(204), 'download_refused', /answered 204/],
  ['a part', answer(206, { 'content-range': 'bytes 0-1/9' }, 'ab'), 'download_refused', /answered 206/],
  ['a redirect to nowhere', answer(302), 'download_refused', /answered 302/],
  ['304', answer(304), 'download_refused', /answered 304/],
  ['500', answer(500), 'download_failed', /answered 500/],
  ['503', answer(503), 'download_failed', /answered 503/],
  ['503 and a time', answer(503, { 'retry-after': '7' }), 'host_busy', /come back in 7 s/],
  ['429', answer(429), 'host_busy', /too many requests/],
  ['gzip', answer(200, { 'content-encoding': 'gzip' }), 'download_refused', /packed as gzip/],
  ['two encodings', answer(200, { 'content-encoding': 'identity, br' }), 'download_refused', /packed as/],
  ['too many redirects', answer(308, { location: '/again' }), 'too_many_redirects', /more than 3 times/],
  [
    'a declared size',
    answer(200, { 'content-length': '524288000' }),
    'download_too_large',
    /1048576 bytes.*524288000/,
  ],
  [
    'a header that does not end',
    answer(200, { 'x-long': 'x'.repeat(64 << 10) }),
    'download_failed',
    /broke off/,
  ],
  ['a closed connection', (request) => request.socket.destroy(), 'download_failed', /broke off/],
])('refuses %s', async (_what, listener, code, detail) => {
  host.answer = listener;
  await expect(read()).rejects.toMatchObject({ code, detail: expect.stringMatching(detail) as string });
});

it('has followed three redirects before it gives up', async () => {
  host.answer = answer(308, { location: '/again' });
  await expect(read()).rejects.toMatchObject({ code: 'too_many_redirects' });
  expect(host.hits).toHaveLength(4);
});

describe('a body of 500 MB', () => {
  it('is not begun when its size was said', async () => {
    const body = endless(500 * MiB, { 'content-length': String(500 * MiB) });
    host.answer = body.answer;
    await expect(read()).rejects.toMatchObject({ code: 'download_too_large' });
    expect(body.sent()).toBeLessThan(20 * MiB);
  });

  it('is cut off at the limit when its size was not said, and the host hears of it', async () => {
    const body = endless(500 * MiB);
    let cut = false;
    host.answer = (request, response) => {
      request.socket.once('close', () => (cut = true));
      body.answer(request, response);
    };
    await expect(read()).rejects.toMatchObject({
      code: 'download_too_large',
      detail: expect.stringMatching(/1048576 bytes at most, this one has at least 1\d{6}/) as string,
    });
    await until('the host heard', () => cut);
    expect(body.sent()).toBeLessThan(20 * MiB);
  });

  // Undici cannot wait without risk (see `highWaterMark` in safe-fetch.ts): what is held is bounded instead.
  it('is cut off at what any file may have while nobody reads it', async () => {
    const body = endless(500 * MiB);
    let cut = false;
    host.answer = (request, response) => {
      request.socket.once('close', () => (cut = true));
      body.answer(request, response);
    };
    const strict = loopbackFetch([host.port], { maxBytes: 16 * MiB });
    const download = await strict.open(host.url, { maxBytes: 600 * MiB });
    await until('the host heard', () => cut);
    expect(body.sent()).toBeLessThan(50 * MiB);
    await expect(download.body.toArray()).rejects.toMatchObject({ code: 'download_too_large' });
    await strict.onApplicationShutdown();
  });
});

describe('a host that takes its time', () => {
  it.each<[string, RequestListener, Partial<FetchLimits>, RegExp]>([
    ['never answers', () => undefined, { headersMs: 200 }, /did not begin to answer/],
    [
      'stops in the middle',
      (_request, response) => void response.write('ab'),
      { idleMs: 200 },
      /stopped in the middle/,
    ],
    [
      'sends a byte now and then',
      (request, response) => {
        const drip = setInterval(() => response.write('.'), 50);
        request.socket.once('close', () => clearInterval(drip));
      },
      { idleMs: 5_000, totalMs: 500 },
      /more than the 0.5 s/,
    ],
  ])('%s', async (_how, listener, limits, detail) => {
    host.answer = listener;
    const other = loopbackFetch([host.port], limits);
    const reading = async () => (await other.open(host.url, { maxBytes: MiB })).body.toArray();
    await expect(reading()).rejects.toMatchObject({
      code: 'download_stalled',
      detail: expect.stringMatching(detail) as string,
    });
    await other.onApplicationShutdown();
  });

  it('is given up also when nobody reads what it sends', async () => {
    host.answer = (request, response) => {
      const flow = setInterval(() => response.write(Buffer.alloc(64 << 10)), 50);
      request.socket.once('close', () => clearInterval(flow));
    };
    // Time enough to be called.
    const download = await fetch.open(host.url, { maxBytes: 600 * MiB, totalMs: 3_000 });
    await until('it was given up', () => download.body.destroyed);
    await expect(download.body.toArray()).rejects.toMatchObject({ code: 'download_stalled' });
  });

  it('is left at once by a caller that no longer wants it, for the reason that this one gives', async () => {
    host.answer = (_request, response) => void response.write('ab');
    const controller = new AbortController();
    const reading = read('/', { signal: controller.signal });
    await until('it was called', () => host.hits.length === 1);
    controller.abort(new Error('not any more'));
    await expect(reading).rejects.toThrow('not any more');
    await expect(read('/', { signal: controller.signal })).rejects.toThrow('not any more');
    expect(host.hits).toHaveLength(1);
  });
});
