import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What Node itself can do: the same body for every request, and nothing else. The body comes from the parent. */
async function main(): Promise<void> {
  const [body] = (await once(process, 'message')) as [string];
  const bytes = Buffer.from(body);
  const server = createServer((_request, response) => {
    response.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': bytes.length,
    });
    response.end(bytes);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send!({ port: (server.address() as AddressInfo).port });
  await once(process, 'disconnect');
  process.exit(0);
}

void main();
