import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createTemplate } from '../../test/support/database';
import { providePostgres } from '../../test/support/postgres';
import { median, percentile } from '../support/measure';
import { report, round, table } from '../support/report';
import { type LoadResult, load } from './load';

const PATH = '/v1/operations';
const CONNECTIONS = 20;
const ROUNDS = 7;
const ROUND_SECONDS = 2;

/** `GET /v1/operations` with an access token against a bare `http.createServer` that sends the same body. */
async function main(): Promise<void> {
  // Always a server of our own: the template database of a shared one belongs to the tests that run there.
  delete process.env.TEST_DATABASE_URL;
  const postgres = await providePostgres();
  process.env.TEST_DATABASE_URL = postgres.url;
  const children: ChildProcess[] = [];
  try {
    await createTemplate();
    const gateway = await start<{ port: number; token: string }>('gateway.server.ts', children);
    const headers = { authorization: `Bearer ${gateway.token}` };
    const answer = await fetch(`http://127.0.0.1:${gateway.port}${PATH}`, { headers });
    if (answer.status !== 200) throw new Error(`the gateway answered ${answer.status}`);
    const body = await answer.text();
    const raw = await start<{ port: number }>('raw.server.ts', children, body);
    await compare({ gateway: gateway.port, raw: raw.port }, headers, body);
  } finally {
    await Promise.all(children.map(end));
    await postgres.stop();
  }
}

async function compare(
  ports: Record<'gateway' | 'raw', number>,
  headers: Record<string, string>,
  body: string,
): Promise<void> {
  const ask = (port: number): Promise<LoadResult> =>
    load({ port, path: PATH, headers, connections: CONNECTIONS, seconds: ROUND_SECONDS });
  await ask(ports.gateway);
  await ask(ports.raw);
  const rounds: { gateway: LoadResult; raw: LoadResult; ratio: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const gateway = await ask(ports.gateway);
    const raw = await ask(ports.raw);
    rounds.push({ gateway, raw, ratio: gateway.requestsPerSecond / raw.requestsPerSecond });
  }
  const rows = rounds.map(({ gateway, raw, ratio }, index) => [
    index + 1,
    Math.round(gateway.requestsPerSecond),
    Math.round(raw.requestsPerSecond),
    round(ratio),
  ]);
  process.stdout.write(`${table(['round', 'gateway req/s', 'raw node http req/s', 'ratio'], rows)}\n`);
  report({
    bench: 'http',
    gates: [
      {
        name: `GET ${PATH} with a token / raw node http`,
        actual: median(rounds.map(({ ratio }) => ratio)),
        gate: 0.2,
        goal: 0.4,
        better: 'higher',
      },
    ],
    figures: {
      gateway_requests_per_second: Math.round(median(rounds.map(({ gateway }) => gateway.requestsPerSecond))),
      raw_requests_per_second: Math.round(median(rounds.map(({ raw }) => raw.requestsPerSecond))),
      gateway_p99_ms: round(
        percentile(
          rounds.flatMap(({ gateway }) => gateway.latenciesMs),
          0.99,
        ),
      ),
      raw_p99_ms: round(
        percentile(
          rounds.flatMap(({ raw }) => raw.latenciesMs),
          0.99,
        ),
      ),
      body_bytes: Buffer.byteLength(body),
      connections: CONNECTIONS,
    },
  });
}

async function start<T>(file: string, children: ChildProcess[], message?: string): Promise<T> {
  const child = spawn(process.execPath, ['-r', '@swc-node/register', join(__dirname, file)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  children.push(child);
  if (message !== undefined) child.send(message);
  const failed = once(child, 'exit').then(() => {
    throw new Error(`${file} ended before it could serve`);
  });
  const [ready] = (await Promise.race([once(child, 'message'), failed])) as [T];
  failed.catch(() => undefined);
  return ready;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  if (child.connected) child.disconnect();
  await ended;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
