import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { join } from 'node:path';
import { createTemplate } from '../../test/support/database';
import { providePostgres } from '../../test/support/postgres';
import { load } from '../http/load';
import { percentile } from '../support/measure';
import { report, round } from '../support/report';

const SOCKETS = 2_000;
const PROBE_SECONDS = 10;
const GATE_MS = 200;
const HALF_A_HEADER = 'GET /v1/media HTTP/1.1\r\nHost: a\r\nX-Slow: ';

/** How long `GET /health/live` takes while so many clients hold half-open requests. */
async function main(): Promise<void> {
  delete process.env.TEST_DATABASE_URL;
  const postgres = await providePostgres();
  process.env.TEST_DATABASE_URL = postgres.url;
  const sockets: Socket[] = [];
  let gateway: ChildProcess | undefined;
  try {
    await createTemplate();
    gateway = spawn(
      process.execPath,
      ['-r', '@swc-node/register', join(__dirname, '../http/gateway.server.ts')],
      {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      },
    );
    const failed = once(gateway, 'exit').then(() => {
      throw new Error('the gateway ended before it could serve');
    });
    const [{ port }] = (await Promise.race([once(gateway, 'message'), failed])) as [{ port: number }];
    failed.catch(() => undefined);

    const probe = { port, path: '/health/live', headers: {}, connections: 1, seconds: 2 };
    const calm = await load(probe);
    const keeping = hold(port, sockets);
    await until(() => sockets.filter(({ readyState }) => readyState === 'open').length >= SOCKETS);
    const besieged = await load({ ...probe, seconds: PROBE_SECONDS });
    clearInterval(keeping);
    const p99 = (latenciesMs: number[]): number => round(percentile(latenciesMs, 0.99));
    report({
      bench: 'slowloris',
      gates: [
        {
          name: `p99 of GET /health/live beside ${SOCKETS} half-open sockets, ms`,
          actual: p99(besieged.latenciesMs),
          gate: GATE_MS,
          better: 'lower',
        },
      ],
      figures: {
        half_open_sockets: SOCKETS,
        requests: besieged.latenciesMs.length,
        p99_ms: p99(besieged.latenciesMs),
        p99_ms_without: p99(calm.latenciesMs),
        max_ms: round(Math.max(...besieged.latenciesMs)),
      },
    });
  } finally {
    for (const socket of sockets) socket.destroy();
    if (gateway?.connected) {
      const ended = once(gateway, 'exit');
      gateway.disconnect();
      await ended;
    }
    await postgres.stop();
  }
}

/** Whoever is let go comes again at once: there are always that many. */
function hold(port: number, sockets: Socket[]): NodeJS.Timeout {
  const open = (): Socket => {
    const socket = connect(port, '127.0.0.1', () => socket.write(HALF_A_HEADER));
    return socket.on('error', () => undefined).resume();
  };
  for (let count = 0; count < SOCKETS; count += 1) sockets.push(open());
  return setInterval(() => {
    sockets.forEach((socket, index) => {
      if (socket.destroyed) sockets[index] = open();
    });
  }, 100);
}

async function until(isSo: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 30_000; !isSo();) {
    if (performance.now() > deadline) throw new Error('the sockets do not open');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
