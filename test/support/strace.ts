import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { ensureCommand } from './apt';
import { until } from './until';

/** The system calls of a process, in their order over all its threads. */
export class Strace {
  private constructor(
    private readonly child: ChildProcess,
    private readonly log: string,
  ) {}

  /** @param calls such as `fdatasync,writev`. @param log where the trace is written. */
  static async attach(pid: number, calls: string, log: string): Promise<Strace> {
    await ensureCommand('strace');
    const args = ['-f', '-y', '-s', '64', '-e', `trace=${calls}`, '-o', log, '-p', String(pid)];
    const child = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until('strace to attach', () => {
      if (child.exitCode !== null) throw new Error(`strace ended: ${said}`);
      return said.includes('attached');
    });
    return new Strace(child, log);
  }

  /** Lets go of the process. @returns one line per call. */
  async detach(): Promise<string[]> {
    const ended = once(this.child, 'close');
    this.child.kill('SIGINT');
    await ended;
    return (await readFile(this.log, 'utf8')).split('\n');
  }
}
