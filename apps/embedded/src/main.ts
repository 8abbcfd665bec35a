import 'reflect-metadata';
import { announce } from './announcement';
import { runDemo } from './demo/demo';
import { demoDefaults } from './demo/demo-defaults';
import { type EmbeddedServer, startEmbedded } from './embedded-server';
import { explain } from './explain';

// SIGHUP: the terminal was closed.
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
const INTERRUPTED = 130;

/** npm passes on a Ctrl-C that the terminal has sent us already: two signals so close are one. */
const SAME_SIGNAL_MS = 1_000;

let server: EmbeddedServer | undefined;
let stoppingSinceMs: number | undefined;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function fail(error: unknown): never {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
}

/** Drains on the first signal. The second one is a person who does not want to wait. */
function onSignal(signal: string): void {
  if (!server) process.exit(INTERRUPTED);
  if (stoppingSinceMs !== undefined) {
    if (performance.now() - stoppingSinceMs > SAME_SIGNAL_MS) process.exit(INTERRUPTED);
    return;
  }
  say(`${signal}: finishing what runs, for at most ${server.config.shutdownGraceSeconds} s …`);
  end(server, 0);
}

function end(running: EmbeddedServer, exitCode: number): void {
  stoppingSinceMs = performance.now();
  running.stop().then(() => process.exit(exitCode), fail);
}

async function main(): Promise<void> {
  // Media, work files and secrets are nobody else's business on this machine.
  process.umask(0o077);
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const isDemo = process.argv.includes('--demo');
  server = await startEmbedded(process.env, isDemo ? await demoDefaults(say) : {}, {
    restarted: (because, tookMs) => say(`PostgreSQL died (${because}) and is back after ${tookMs} ms`),
    gaveUp: fail,
  });
  await announce(server, say);
  if (isDemo) await demonstrate(server, process.argv.includes('--once'));
}

async function demonstrate(running: EmbeddedServer, isOnce: boolean): Promise<void> {
  const reason = await runDemo(running, say);
  if (stoppingSinceMs !== undefined) return;
  if (reason !== undefined) say(`The demo failed: ${reason}`);
  if (isOnce) end(running, reason === undefined ? 0 : 1);
  else say(`Still serving on ${running.url}; Ctrl-C ends it.`);
}

main().catch(fail);
