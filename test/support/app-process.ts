import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { until } from './until';

/** One line of a process' structured log. */
export interface LogLine {
  level: string;
  msg: string;
  [field: string]: unknown;
}

export interface AppProcessPlan {
  name: string;
  /** Compiled main file. */
  script: string;
  env: Record<string, string>;
  /** Where `/health/live` and `/health/ready` answer. */
  healthUrl: string;
  /** Leads a process group of its own, as a terminal or a supervisor would start it. */
  isGroup?: boolean;
}

const READY_WITHIN_MS = 90_000;
const EXIT_WITHIN_MS = 60_000;
const OUTPUT_LINES_SHOWN = 20;

const living = new Set<ChildProcess>();
process.once('exit', () => living.forEach((child) => child.kill('SIGKILL')));

/** One of our processes, which a test may kill, freeze and start again. It never outlives the test. */
export class AppProcess {
  /** Of all its lives. */
  readonly log: LogLine[] = [];
  private readonly output: string[] = [];
  private child?: ChildProcess;
  private ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }> | undefined;

  constructor(private readonly plan: AppProcessPlan) {}

  get name(): string {
    return this.plan.name;
  }

  get healthUrl(): string {
    return this.plan.healthUrl;
  }

  /** Everything that it wrote, in all its lives. */
  get said(): readonly string[] {
    return this.output;
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  get pid(): number {
    if (!this.isRunning) throw new Error(`${this.name} does not run`);
    return this.child!.pid!;
  }

  /** @param health `ready`: every dependency is there; `live`: it answers at all. */
  async start(health: 'ready' | 'live' = 'ready'): Promise<void> {
    this.launch();
    await this.awaitHealth(health);
  }

  launch(): void {
    const { script, env, isGroup = false } = this.plan;
    const child = spawn(process.execPath, [script], {
      env: { PATH: process.env.PATH, NODE_ENV: 'test', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: isGroup,
    });
    this.child = child;
    living.add(child);
    for (const stream of [child.stdout, child.stderr])
      createInterface(stream).on('line', (line) => this.hear(line));
    this.ended = new Promise((resolve) =>
      child.once('exit', (code, signal) => {
        living.delete(child);
        resolve({ code, signal });
      }),
    );
  }

  async awaitHealth(health: 'ready' | 'live'): Promise<void> {
    try {
      await until(
        `${this.name} to be ${health}`,
        async () => {
          if (!this.isRunning) return true;
          const answer = await fetch(`${this.plan.healthUrl}/health/${health}`, {
            signal: AbortSignal.timeout(5_000),
          });
          await answer.arrayBuffer();
          return answer.status === 200;
        },
        READY_WITHIN_MS,
      );
    } catch (cause) {
      throw new Error(this.lastWords('did not become ready'), { cause });
    }
    if (!this.isRunning) throw new Error(this.lastWords('ended while it started'));
  }

  /** With a group, the whole group gets it. */
  signal(signal: NodeJS.Signals): void {
    process.kill(this.plan.isGroup ? -this.pid : this.pid, signal);
  }

  async kill9(): Promise<void> {
    if (!this.isRunning) return;
    this.signal('SIGKILL');
    await this.exit();
  }

  /**
   * Asks it to end. Nest ends a process by the very signal that it has drained for.
   * @returns how long it took. @throws Error when it ended in another way
   */
  async terminate(): Promise<number> {
    const begin = performance.now();
    this.signal('SIGTERM');
    const { code, signal } = await this.exit();
    if (code !== 0 && signal !== 'SIGTERM')
      throw new Error(this.lastWords(`ended with ${signal ?? `code ${code}`}`));
    return performance.now() - begin;
  }

  logged(message: string, fields: Record<string, unknown> = {}): LogLine[] {
    return this.log.filter(
      (line) => line.msg === message && Object.entries(fields).every(([name, value]) => line[name] === value),
    );
  }

  /** For a failure's message: what the process said last. */
  lastWords(what: string): string {
    return [`${this.name} ${what}; its last words:`, ...this.output.slice(-OUTPUT_LINES_SHOWN)].join('\n');
  }

  private async exit(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(this.lastWords('does not end'))), EXIT_WITHIN_MS);
    });
    try {
      return await Promise.race([this.ended!, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  private hear(line: string): void {
    this.output.push(line);
    if (!line.startsWith('{')) return;
    try {
      this.log.push(JSON.parse(line) as LogLine);
    } catch {
      // A kill cut the line off; it stays in `output`.
    }
  }
}
