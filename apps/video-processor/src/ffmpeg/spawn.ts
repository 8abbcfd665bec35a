import { type ChildProcess, spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AppError } from '@mediakiln/contracts';
import { type ChildExit, failureOf } from './failure';
import type { Sandbox } from './sandbox';
import { StderrEnds } from './stderr-ends';

export interface ChildOrder {
  binary: string;
  args: readonly string[];
  /** Working directory; the only folder that the child has business in. */
  workdir: string;
  signal: AbortSignal;
  wallSeconds: number;
  /** Longest time without a line on stdout or a change of `output`; absent for children that are silent by nature. */
  silenceSeconds?: number;
  output?: string;
  fileBytes: number;
  onLine(line: string): void;
}

/**
 * Runs one child in a process group of its own to its end. However it ends, the group is dead when this settles.
 * @returns the child's complaints, although it succeeded.
 * @throws the signal's reason when aborted, AppError for every other bad end
 */
export async function runChild(sandbox: Sandbox, order: ChildOrder): Promise<string> {
  order.signal.throwIfAborted();
  const [command, ...args] = sandbox.wrap([order.binary, ...order.args], {
    cpuSeconds: order.wallSeconds * availableParallelism(),
    fileBytes: order.fileBytes,
  });
  const child = spawn(command!, args, {
    cwd: order.workdir,
    // Nothing of our environment is the child's business, secrets least of all.
    env: { PATH: process.env.PATH, LANG: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const watch = new Watch(child, order);
  const complaints = new StderrEnds(child.stderr);
  const lines = createInterface({ input: child.stdout }).on('line', (line) => {
    watch.sawLife();
    order.onLine(line);
  });
  try {
    const { code, signal } = await endOf(child);
    if (watch.verdict !== null) throw watch.verdict;
    if (code !== 0) throw failureOf({ code, signal, stderr: complaints.text });
    return complaints.text;
  } finally {
    watch.stop();
    lines.close();
  }
}

function endOf(child: ChildProcess): Promise<Omit<ChildExit, 'stderr'>> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new AppError('engine_crashed', 'The media engine could not be started', { cause })),
    );
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}

/** Ends the child's whole group on an abort, at the wall limit, or when it stays silent for too long. */
class Watch {
  /** Why the child was ended by us; null while it was not. */
  verdict: Error | null = null;
  private readonly wall: NodeJS.Timeout;
  private silence?: NodeJS.Timeout;
  private lastLifeMs = performance.now();
  private readonly onAbort = (): void => this.end(asError(this.order.signal.reason));

  constructor(
    private readonly child: ChildProcess,
    private readonly order: ChildOrder,
  ) {
    order.signal.addEventListener('abort', this.onAbort, { once: true });
    this.wall = setTimeout(
      () =>
        this.end(new AppError('job_timeout', `The media engine ran for ${order.wallSeconds} s, its limit`)),
      order.wallSeconds * 1_000,
    );
    this.listen();
  }

  sawLife(): void {
    this.lastLifeMs = performance.now();
  }

  stop(): void {
    clearTimeout(this.wall);
    clearTimeout(this.silence);
    this.order.signal.removeEventListener('abort', this.onAbort);
  }

  private listen(): void {
    const limitMs = (this.order.silenceSeconds ?? Number.POSITIVE_INFINITY) * 1_000;
    if (!Number.isFinite(limitMs)) return;
    const restMs = Math.max(this.lastLifeMs + limitMs - performance.now(), 10);
    this.silence = setTimeout(() => void this.judge(limitMs), restMs);
  }

  /** The last pass over a large file is silent, but it writes. */
  private async judge(limitMs: number): Promise<void> {
    const output = this.order.output === undefined ? null : await stat(this.order.output).catch(() => null);
    // If it was us who stood still, what it said meanwhile is read first.
    await nextTurn();
    const nowMs = performance.now();
    if (output) this.lastLifeMs = Math.max(this.lastLifeMs, nowMs - Math.max(0, Date.now() - output.mtimeMs));
    if (nowMs - this.lastLifeMs < limitMs) return this.listen();
    this.end(
      new AppError('engine_hung', `The media engine made no progress for ${this.order.silenceSeconds} s`),
    );
  }

  private end(verdict: Error): void {
    this.verdict ??= verdict;
    const { pid } = this.child;
    if (pid === undefined || this.child.exitCode !== null || this.child.signalCode !== null) return;
    try {
      // Negative: the whole group. Its output is thrown away, so there is nothing to be gentle about.
      process.kill(-pid, 'SIGKILL');
    } catch (error) {
      // Several that end together are reaped together, and told of one after the other: this one's turn comes yet.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

const asError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error('aborted', { cause: reason });
