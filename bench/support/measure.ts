import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/** `getconf CLK_TCK` of every Linux that we run on. */
const TICKS_PER_SECOND = 100;

export interface Measured {
  stdout: string;
  wallSeconds: number;
  /** User + system time of the command and of all children that it waited for. */
  cpuSeconds: number;
}

/**
 * Runs a command to its end and accounts its processor time by bash's own `time`, to the millisecond.
 * @throws Error with the end of stderr when the command fails.
 */
export async function runMeasured(
  command: string,
  args: readonly string[] = [],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; stdin?: string } = {},
): Promise<Measured> {
  const script = 'TIMEFORMAT="bench-rusage %R %U %S"; time "$@"';
  const child = spawn('bash', ['-c', script, 'bash', command, ...args], {
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
    stdio: 'pipe',
  });
  child.stdin.end(options.stdin ?? '');
  const [stdout, stderr, exitCode] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    ended(child),
  ]);
  const rusage = /bench-rusage ([\d.]+) ([\d.]+) ([\d.]+)\s*$/.exec(stderr);
  if (exitCode !== 0 || !rusage)
    throw new Error(`${command} ${args.join(' ')} ended with ${exitCode}: ${stderr.trim().slice(-400)}`);
  return { stdout, wallSeconds: Number(rusage[1]), cpuSeconds: Number(rusage[2]) + Number(rusage[3]) };
}

/** User + system seconds so far of a running process, its threads and its living and reaped descendants (Linux). */
export function cpuSecondsOfTree(pid: number): number {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? []);
  const members = new Set([pid]);
  for (let before = 0; before !== members.size;) {
    before = members.size;
    for (const entry of processes) if (members.has(entry.parent)) members.add(entry.pid);
  }
  return processes
    .filter((entry) => members.has(entry.pid))
    .reduce((sum, entry) => sum + entry.ticks / TICKS_PER_SECOND, 0);
}

function statOf(pid: number): { pid: number; parent: number; ticks: number } | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined; // ended between the listing and the look
  }
  // The name in field 2 may hold spaces and brackets: the rest starts after the last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0);
  return { pid, parent: Number(fields[1]), ticks };
}

export async function timed<T>(work: () => Promise<T>): Promise<{ result: T; wallSeconds: number }> {
  const start = process.hrtime.bigint();
  const result = await work();
  return { result, wallSeconds: Number(process.hrtime.bigint() - start) / 1e9 };
}

/** @param share 0.5 for the median, 0.99 for p99; nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('no values to take a percentile of');
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
}
