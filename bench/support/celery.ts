import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from '../../apps/embedded/src/postgres/free-port';
import { ensureApt } from './apt';

const HEAD = `
from celery import Celery
app = Celery('tasks', broker='redis://127.0.0.1:PORT/0', backend='redis://127.0.0.1:PORT/1')
`;
const PYTHON = '/usr/bin/python3';

export interface CelerySource {
  /** What follows the app in `tasks.py`. */
  tasks: string;
  /** Imports from `tasks`, prints the seconds that its work took. */
  producer: string;
  /** Debian packages that these import. */
  packages?: readonly string[];
}

/** Celery with Redis as broker and result backend and two worker processes, all from Debian's packages. */
export class Celery {
  private constructor(
    private readonly folder: string,
    private readonly children: ChildProcess[],
  ) {}

  static async start({ tasks, producer, packages = [] }: CelerySource): Promise<Celery> {
    ensureApt(['redis-server', 'python3-celery', 'python3-redis', ...packages]);
    const folder = mkdtempSync(join(tmpdir(), 'mediakiln-bench-celery-'));
    const port = await findFreePort();
    writeFileSync(join(folder, 'tasks.py'), HEAD.replaceAll('PORT', String(port)) + tasks);
    writeFileSync(join(folder, 'producer.py'), producer);
    const redis = spawn(
      'redis-server',
      ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder],
      { stdio: 'ignore' },
    );
    const worker = spawn(
      PYTHON,
      ['-m', 'celery', '-A', 'tasks', 'worker', '--concurrency', '2', '--loglevel', 'ERROR'],
      { cwd: folder, stdio: 'ignore', env: { ...process.env, C_FORCE_ROOT: '1' } },
    );
    return new Celery(folder, [worker, redis]);
  }

  /** Runs the producer to its end. @returns the seconds that it printed. */
  run(...args: string[]): number {
    const run = spawnSync(PYTHON, ['producer.py', ...args], { cwd: this.folder, encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`the Celery producer failed: ${run.stderr.slice(-400)}`);
    return Number(run.stdout);
  }

  async stop(): Promise<void> {
    for (const child of this.children) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await Promise.race([ended, sleep(10_000)]);
      child.kill('SIGKILL');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
