import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { buffer } from 'node:stream/consumers';
import { loopbackFetch } from '../../../test/support/loopback-fetch';

const KiB = 1 << 10;
const UNREAD_MS = 500;
/** From what the buffer of one stream holds to more than all buffers on the way do: one ends in the last piece. */
const SIZES = [...Array.from({ length: 24 }, (_, n) => (n + 1) * 16 * KiB), 8_192 * KiB];

const HEADS: [string, (bytes: number) => string][] = [
  ['HTTP/1.0 without a length', () => 'HTTP/1.0 200 OK\r\n\r\n'],
  ['HTTP/1.0 with a length', (bytes) => `HTTP/1.0 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`],
  [
    'HTTP/1.1 that closes',
    (bytes) => `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${bytes}\r\n\r\n`,
  ],
];

/** Sends as many bytes as the path says and hangs up, however much of it was read. */
async function hasty(headOf: (bytes: number) => string) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('data', (request) => {
      const bytes = Number(/ \/(\d+)/.exec(request.toString())![1]);
      socket.write(headOf(bytes));
      socket.end(Buffer.alloc(bytes, 'body '));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    sockets.forEach((socket) => socket.destroy());
    server.close();
  };
  return { port, url: `http://127.0.0.1:${port}`, close };
}

describe.each(HEADS)('a host that hangs up behind its answer, %s', (_name, headOf) => {
  it('is read whole by who takes its time', async () => {
    const host = await hasty(headOf);
    const fetch = loopbackFetch([host.port], { perHost: SIZES.length });
    const read = SIZES.map(async (size) => {
      const { body } = await fetch.open(`${host.url}/${size}`, { maxBytes: size });
      await sleep(UNREAD_MS);
      return (await buffer(body)).length;
    });
    expect(await Promise.all(read)).toEqual(SIZES);
    await fetch.onApplicationShutdown();
    host.close();
  });

  it('ends nothing when its answer is never read', async () => {
    const host = await hasty(headOf);
    const fetch = loopbackFetch([host.port], { perHost: SIZES.length });
    for (const size of SIZES) {
      const { body } = await fetch.open(`${host.url}/${size}`, { maxBytes: size });
      await sleep(10);
      body.destroy();
      const options = { body: '', headers: {}, timeoutMs: 5_000 };
      expect(await fetch.post(`${host.url}/${size}`, options)).toEqual({ status: 200 });
    }
    await fetch.onApplicationShutdown();
    host.close();
  });

  it('is cut off, read or not, where it sends more than any file may have', async () => {
    const host = await hasty(headOf);
    const fetch = loopbackFetch([host.port], { maxBytes: 100 * KiB });
    const reading = async () => {
      const { body } = await fetch.open(`${host.url}/${8_192 * KiB}`, { maxBytes: Number.MAX_SAFE_INTEGER });
      await sleep(UNREAD_MS);
      return buffer(body);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'download_too_large' });
    await fetch.onApplicationShutdown();
    host.close();
  });
});
