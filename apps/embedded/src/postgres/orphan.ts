import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLineOf, isRunning, processesWorkingIn } from '../process-facts';

const POLL_MS = 25;
// Each signal asks less politely: fast shutdown, immediate shutdown, none at all.
const SIGNALS = [
  { signal: 'SIGINT', patienceMs: 15_000 },
  { signal: 'SIGQUIT', patienceMs: 5_000 },
  { signal: 'SIGKILL', patienceMs: 5_000 },
] as const;

/**
 * Stops the postmaster that an earlier process of ours left running on this cluster (`kill -9` of Node does).
 * The caller holds the lock of the data folder, so nobody else can be using it.
 * @returns the id of the process that was stopped
 */
export async function stopOrphan(clusterFolder: string): Promise<number | undefined> {
  const pid = postmasterPid(clusterFolder);
  if (pid === undefined || !isRunning(pid)) return undefined;
  if (!commandLineOf(pid).includes(`-D ${clusterFolder} `)) {
    await forgetRecycledPid(clusterFolder);
    return undefined;
  }
  await stopPostmaster(pid);
  return pid;
}

/** SIGINT rolls back what runs and writes a checkpoint, so that the next start needs no recovery. */
export async function stopPostmaster(pid: number): Promise<void> {
  for (const { signal, patienceMs } of SIGNALS) {
    if (!signalIfRunning(pid, signal)) return;
    if (await waitUntil(() => !isRunning(pid), patienceMs)) return;
  }
}

export function postmasterPid(clusterFolder: string): number | undefined {
  const first = pidFileLines(clusterFolder)[0];
  return first && /^\d+$/.test(first) ? Number(first) : undefined;
}

/** Whether the postmaster itself says that it takes connections. */
export function saysReady(clusterFolder: string, pid: number): boolean {
  const lines = pidFileLines(clusterFolder);
  return lines[0] === String(pid) && lines[7]?.trim() === 'ready';
}

/**
 * The id in the pid file belongs to a stranger by now (reboot, new container), which would keep PostgreSQL from
 * starting for ever. The file may only go when no backend of the dead postmaster is left writing.
 */
async function forgetRecycledPid(clusterFolder: string): Promise<void> {
  if (process.platform !== 'linux') return;
  if (await waitUntil(() => processesWorkingIn(clusterFolder).length === 0, SIGNALS[0].patienceMs))
    rmSync(join(clusterFolder, 'postmaster.pid'), { force: true });
}

function signalIfRunning(pid: number, signal: NodeJS.Signals): boolean {
  if (!isRunning(pid)) return false;
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

async function waitUntil(isTrue: () => boolean, patienceMs: number): Promise<boolean> {
  for (const deadline = performance.now() + patienceMs; performance.now() < deadline; await sleep(POLL_MS))
    if (isTrue()) return true;
  return isTrue();
}

function pidFileLines(clusterFolder: string): string[] {
  try {
    return readFileSync(join(clusterFolder, 'postmaster.pid'), 'utf8').split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
