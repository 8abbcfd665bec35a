import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SERVER_ENVIRONMENT } from './cluster';
import type { Identity } from './identity';
import { saysReady, stopPostmaster } from './orphan';

const POLL_MS = 20;
// Recovery after a crash replays what was written since the last checkpoint: up to 1 GB.
const READY_TIMEOUT_MS = 120_000;

export interface PostmasterPlan {
  binaries: string;
  folder: string;
  identity: Identity;
  port: number;
  logFile: string;
  settings: Record<string, string>;
}

/** Why a postmaster did not come up, in its own words. */
export class PostmasterFailure extends Error {
  override readonly name = 'PostmasterFailure';

  /** What an earlier postmaster left behind goes by itself once its last backend has noticed. */
  get isPassing(): boolean {
    return /lock file .* already exists|shared memory block|semaphore/i.test(this.message);
  }

  get isPortBusy(): boolean {
    return /Address already in use|could not bind|could not create any TCP/i.test(this.message);
  }
}

/**
 * Starts one postmaster and waits until it takes connections.
 * It leads a process group of its own, so that Ctrl-C reaches us alone and we can drain first; it writes to a file
 * and never to a pipe, whose reader may be dead or slow.
 * @throws PostmasterFailure when it ended, or was not ready in time
 */
export async function startPostmaster(plan: PostmasterPlan): Promise<ChildProcess> {
  const log = openSync(plan.logFile, 'a', 0o600);
  const logStart = fstatSync(log).size;
  const child = spawn(join(plan.binaries, 'bin/postgres'), commandLine(plan), {
    ...plan.identity,
    cwd: '/',
    detached: true,
    env: SERVER_ENVIRONMENT,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let spawnError: Error | undefined;
  child.once('error', (error) => (spawnError = error));
  const hasEnded = () => spawnError !== undefined || child.exitCode !== null || child.signalCode !== null;

  for (
    const deadline = performance.now() + READY_TIMEOUT_MS;
    performance.now() < deadline;
    await sleep(POLL_MS)
  ) {
    if (hasEnded())
      throw new PostmasterFailure(
        spawnError?.message ?? reasonIn(plan.logFile, logStart) ?? 'it ended without a word',
      );
    if (saysReady(plan.folder, child.pid!)) return child;
  }
  await stopPostmaster(child.pid!);
  throw new PostmasterFailure(`it was not ready within ${READY_TIMEOUT_MS / 1000} s`);
}

function commandLine(plan: PostmasterPlan): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    log_checkpoints: 'off',
    ...plan.settings,
  };
  return [
    ...['-D', plan.folder, '-p', String(plan.port)],
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

function reasonIn(logFile: string, from: number): string | undefined {
  const lines = readFileSync(logFile).subarray(from).toString('utf8').split('\n');
  const telling = lines.filter((line) => /FATAL|PANIC|could not bind|loading shared libraries/.test(line));
  const told = telling.length > 0 ? telling : lines.filter(Boolean).slice(-1);
  // Without the time and process id that begin each line of the log.
  return told.map((line) => line.replace(/^\d{4}-\S+ \S+ \S+ \[\d+\] /, '')).join('; ') || undefined;
}
