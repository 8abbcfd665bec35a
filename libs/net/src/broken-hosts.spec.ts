import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { startHttpHost } from '../../../test/support/http-host';
import { loopbackFetch } from '../../../test/support/loopback-fetch';

describe('a host that lies about the length', () => {
  /** Byte for byte what is on the wire. */
  async function wire(text: string): Promise<{ port: number; close: () => void }> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      socket.once('data', () => socket.end(text));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      port: (server.address() as AddressInfo).port,
      close: () => {
        sockets.forEach((socket) => socket.destroy());
        server.close();
      },
    };
  }

  it.each([
    ['and sends less', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfew', 'download_failed'],
    [
      'in two ways',
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nfew',
      'download_failed',
    ],
    [
      'with a chunk that breaks off',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nfew',
      'download_failed',
    ],
    ['and is no HTTP host at all', 'SSH-2.0-OpenSSH_9.6\r\n', 'download_failed'],
  ])('%s', async (_how, text, code) => {
    const server = await wire(text);
    const other = loopbackFetch([server.port]);
    const reading = async () => {
      const { body } = await other.open(`http://127.0.0.1:${server.port}/`, { maxBytes: 1_000 });
      return body.toArray();
    };
    await expect(reading()).rejects.toMatchObject({ code });
    await other.onApplicationShutdown();
    server.close();
  });
});

describe('a host that is not there', () => {
  it.each([
    ['because nothing listens', () => 'http://127.0.0.1:1/', 'download_failed', /refused the connection/],
    [
      'because it speaks no TLS',
      (port: number) => `https://127.0.0.1:${port}/`,
      'download_failed',
      /secure connection/,
    ],
    ['because the name is nobody’s', () => 'http://nobody.invalid/', 'host_unknown', /nobody.invalid/],
  ])('%s', async (_why, url, code, detail) => {
    const host = await startHttpHost((_request, response) => response.end());
    const other = loopbackFetch([1, host.port]);
    await expect(other.open(url(host.port), { maxBytes: 1 })).rejects.toMatchObject({
      code,
      detail: expect.stringMatching(detail) as string,
    });
    await other.onApplicationShutdown();
    await host.close();
  });
});
