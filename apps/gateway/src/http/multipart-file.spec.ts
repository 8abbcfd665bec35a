import { once } from 'node:events';
import { type IncomingMessage, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MULTIPART, fakeJpeg, filePart } from '../../../../test/support/multipart';
import { receiveFile } from './multipart-file';

it('ends for a client that has left before anybody listened', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const arrived = once(server, 'request') as Promise<[IncomingMessage]>;
    const upload = request({ port, method: 'POST', headers: { ...MULTIPART, 'content-length': 1_000_000 } });
    upload.on('error', () => undefined);
    upload.write(filePart(fakeJpeg(1_000)));
    const [received] = await arrived;
    const left = new Promise((resolve) => received.once('close', resolve));
    received.on('error', () => undefined);
    upload.destroy();
    await left;
    const receiving = receiveFile(
      received,
      'file',
      () => Promise.resolve('taken'),
      () => Promise.resolve(),
    );
    await expect(receiving).rejects.toMatchObject({ code: 'client_closed' });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}, 20_000);
