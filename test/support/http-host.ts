import { type RequestListener, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpHost {
  port: number;
  /** Without a trailing slash. */
  url: string;
  /** Method and path of every request, in order. */
  hits: string[];
  /** What it answers from now on. */
  answer: RequestListener;
  close(): Promise<void>;
}

/** A server that users' addresses lead to. On every interface of this machine, IPv4 and IPv6, as far as it has them. */
export async function startHttpHost(answer: RequestListener): Promise<HttpHost> {
  const hits: string[] = [];
  const server = createServer((request, response) => {
    hits.push(`${request.method} ${request.url}`);
    host.answer(request, response);
  });
  await listen(server, '::').catch(() => listen(server, '0.0.0.0'));
  const { port } = server.address() as AddressInfo;
  const host: HttpHost = {
    port,
    url: `http://127.0.0.1:${port}`,
    hits,
    answer,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return host;
}

const listen = (server: Server, address: string): Promise<void> =>
  new Promise((resolve, reject) => server.once('error', reject).listen(0, address, resolve));
