import { execFile } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A file system so small that a test can fill it. */
export class SmallDisk {
  private constructor(
    readonly folder: string,
    private readonly unmount: () => Promise<void>,
  ) {}

  /** @throws Error of one sentence where the system lets nobody mount: a full disk is never left out. */
  static async mount(bytes: number): Promise<SmallDisk> {
    const folder = await mkdtemp(join(tmpdir(), 'mediakiln-disk-'));
    const mounted = process.platform === 'linux' && (await mountTmpfs(folder, bytes));
    if (mounted) return new SmallDisk(folder, () => run('umount', ['--lazy', folder]).then(() => undefined));
    await rm(folder, { recursive: true });
    const shared = await sharedMemory();
    if (shared) return new SmallDisk(shared, () => Promise.resolve());
    throw new Error(
      'The test of a full disk needs a file system that it may fill: run it as root, or where /dev/shm is below 256 MB',
    );
  }

  async free(): Promise<number> {
    const { bavail, bsize } = await statfs(this.folder);
    return bavail * bsize;
  }

  /** Takes all but `leftBytes` away, until the returned function is called. */
  async fill(leftBytes: number): Promise<() => Promise<void>> {
    const ballast = join(this.folder, 'ballast');
    await writeFile(ballast, Buffer.alloc(Math.max(0, (await this.free()) - leftBytes), 1));
    return () => rm(ballast, { force: true });
  }

  async close(): Promise<void> {
    await this.unmount();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function mountTmpfs(folder: string, bytes: number): Promise<boolean> {
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]);
    return true;
  } catch {
    return false; // not root, or a container that may not mount
  }
}

/** Docker gives a container 64 MB of it. */
async function sharedMemory(): Promise<string | undefined> {
  try {
    const { blocks, bsize } = await statfs('/dev/shm');
    if (blocks * bsize > 256 << 20) return undefined;
    return await mkdtemp('/dev/shm/mediakiln-disk-');
  } catch {
    return undefined;
  }
}
