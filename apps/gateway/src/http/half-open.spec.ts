import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { type TestGateway, startGateway } from '../../../../test/support/gateway';
import { until } from '../../../../test/support/until';

const SOCKETS = 1_000;
const PROBES = 30;

let gateway: TestGateway;
const sockets: Socket[] = [];
beforeAll(async () => {
  gateway = await startGateway({ limits: { headersMs: 5_000 } });
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await gateway.close();
});

async function open(text: string): Promise<Socket> {
  const socket = connect(gateway.config.port, '127.0.0.1');
  socket.on('error', () => undefined).resume();
  sockets.push(socket);
  await once(socket, 'connect');
  if (text !== '') socket.write(text);
  return socket;
}

it('serves others while a thousand clients do not finish their headers, and lets go of each in time', async () => {
  const half = 'GET /v1/media HTTP/1.1\r\nHost: a\r\nX-Slow: ';
  // Every tenth does not even say a word.
  await Promise.all(Array.from({ length: SOCKETS }, (_, index) => open(index % 10 === 0 ? '' : half)));
  let answered = 0;
  for (let probe = 0; probe < PROBES; probe += 1) {
    const response = await fetch(`${gateway.url}/health/live`);
    await response.arrayBuffer();
    if (response.status === 200) answered += 1;
  }
  expect(answered).toBe(PROBES);

  await until('all half-open connections to be closed', () => sockets.every((socket) => socket.destroyed));
  const left = await new Promise<number>((resolve) =>
    gateway.app.getHttpServer().getConnections((_error, count) => resolve(count)),
  );
  // Those are of our own probes.
  expect(left).toBeLessThan(10);
});

it('lets go of a client that trickles its headers all the same', async () => {
  const socket = await open('GET /v1/media HTTP/1.1\r\nHost: a\r\n');
  const trickle = setInterval(() => socket.write('X: y\r\n'), 200);
  try {
    await until('the trickling connection to be closed', () => socket.destroyed);
  } finally {
    clearInterval(trickle);
  }
});
