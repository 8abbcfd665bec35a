import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from '../../apps/embedded/src/postgres/free-port';
import { ensureApt } from '../support/apt';

const TASKS = `
from celery import Celery
app = Celery('tasks', broker='redis://127.0.0.1:PORT/0', backend='redis://127.0.0.1:PORT/1')

@app.task
def noop():
    return None
`;

/** Submits, waits for every result, prints the seconds from the first submit to the last result. */
const PRODUCER = `
import sys, time
from tasks import noop
noop.delay().get(timeout=60)
count = int(sys.argv[1])
start = time.time()
results = [noop.delay() for _ in range(count)]
for result in results:
    result.get(timeout=300)
print(time.time() - start)
`;

const PYTHON = '/usr/bin/python3';

/** Celery with Redis as broker and result backend and two worker processes, all from Debian's packages. */
export class Celery {
  private constructor(
    private readonly folder: string,
    private readonly children: ChildProcess[],
  ) {}

  static async start(): Promise<Celery> {
    ensureApt(['redis-server', 'python3-celery', 'python3-redis']);
    const folder = mkdtempSync(join(tmpdir(), 'mediakiln-bench-celery-'));
    const port = await findFreePort();
    writeFileSync(join(folder, 'tasks.py'), TASKS.replaceAll('PORT', String(port)));
    writeFileSync(join(folder, 'producer.py'), PRODUCER);
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

  /** No-op tasks a second, from the first submit to the last result. */
  run(count: number): number {
    const run = spawnSync(PYTHON, ['producer.py', String(count)], { cwd: this.folder, encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`the Celery producer failed: ${run.stderr.slice(-400)}`);
    return count / Number(run.stdout);
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
