import { type Socket, connect } from 'node:net';

export interface LoadResult {
  requestsPerSecond: number;
  latenciesMs: number[];
}

interface Target {
  port: number;
  path: string;
  headers: Record<string, string>;
  connections: number;
  seconds: number;
}

const END_OF_HEAD = '\r\n\r\n';

/**
 * Keep-alive connections that each send the next request when the last answer is whole: no pipelining. Plain sockets,
 * so that the generator costs less than the servers that it measures.
 * @throws Error on any answer but 200.
 */
export async function load(target: Target): Promise<LoadResult> {
  const lines = Object.entries({ host: `127.0.0.1:${target.port}`, ...target.headers });
  const request = Buffer.from(
    `GET ${target.path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
  );
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const endMs = startMs + target.seconds * 1000;
  await Promise.all(
    Array.from({ length: target.connections }, () => keepAsking(target.port, request, endMs, latenciesMs)),
  );
  return { requestsPerSecond: latenciesMs.length / ((performance.now() - startMs) / 1000), latenciesMs };
}

function keepAsking(port: number, request: Buffer, endMs: number, latenciesMs: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let sentMs = 0;
    let missingBytes = 0;
    let head = '';
    const ask = (): void => {
      sentMs = performance.now();
      missingBytes = 0;
      head = '';
      socket.write(request);
    };
    const onData = (data: Buffer): void => {
      if (missingBytes === 0) {
        head += data.toString('latin1');
        const headEnd = head.indexOf(END_OF_HEAD);
        if (headEnd === -1) return;
        const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
        if (!head.startsWith('HTTP/1.1 200 ') || length === undefined)
          throw new Error(`unexpected answer: ${head.slice(0, 200)}`);
        missingBytes = headEnd + END_OF_HEAD.length + Number(length) - head.length;
      } else missingBytes -= data.length;
      if (missingBytes > 0) return;
      const nowMs = performance.now();
      latenciesMs.push(nowMs - sentMs);
      if (nowMs < endMs) ask();
      else socket.end();
    };
    socket.once('connect', ask);
    socket.on('data', (data: Buffer) => {
      try {
        onData(data);
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    socket.once('error', reject);
    socket.once('close', () => resolve());
  });
}
