import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPostgres } from '../../apps/embedded/src/postgres/embedded-postgres';
import { processes } from './proc';

/** A PostgreSQL server of a test's own, which it may freeze as a whole: connections stay, nothing is answered. */
export class FreezablePostgres {
  private constructor(
    private readonly folder: string,
    private readonly server: EmbeddedPostgres,
  ) {}

  static async start(): Promise<FreezablePostgres> {
    const folder = mkdtempSync(join(tmpdir(), 'mediakiln-freezable-'));
    // As root, PostgreSQL runs as another user, who must be able to enter.
    chmodSync(folder, 0o755);
    const server = await EmbeddedPostgres.start(
      {
        folder: join(folder, 'cluster'),
        logFile: join(folder, 'postgres.log'),
        password: 'freezable',
        database: 'mediakiln',
        isScratch: true,
      },
      { restarted: () => undefined, gaveUp: (error) => console.error(error.message) },
    );
    return new FreezablePostgres(folder, server);
  }

  get url(): string {
    return this.server.url;
  }

  freeze(): void {
    this.signal('SIGSTOP');
  }

  thaw(): void {
    this.signal('SIGCONT');
  }

  async close(): Promise<void> {
    this.thaw();
    await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The postmaster first, so that it makes no more backends; those are in process groups of their own. */
  private signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    const postmaster = this.server.pid;
    process.kill(postmaster, signal);
    for (const { pid } of processes()) if (parentOf(pid) === postmaster) process.kill(pid, signal);
  }
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined; // it has ended meanwhile
  }
}
