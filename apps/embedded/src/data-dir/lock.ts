import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { birthOf, isRunning } from '../process-facts';
import { StartupError } from '../startup-error';

interface Holder {
  pid: number;
  birth: string;
}

const TRIES = 5;

/** Keeps a second process out of a data folder; what a killed process left behind is taken over. */
export class FolderLock {
  private constructor(
    private readonly path: string,
    private readonly content: string,
  ) {}

  /** @throws StartupError when a living process holds it */
  static take(folder: string): FolderLock {
    const path = join(folder, 'mediakiln.lock');
    const own = `${path}.${process.pid}`;
    const content = JSON.stringify({ pid: process.pid, birth: birthOf(process.pid) } satisfies Holder);
    writeFileSync(own, content, { mode: 0o644 });
    try {
      for (let tries = 0; tries < TRIES; tries++) {
        if (tryLink(own, path)) return new FolderLock(path, content);
        const holder = readHolder(path);
        if (holder && isHeld(holder)) throw busy(folder, holder.pid);
        moveAside(path, `${own}.stale`);
      }
    } finally {
      rmSync(own, { force: true });
    }
    throw busy(folder, readHolder(path)?.pid);
  }

  release(): void {
    if (readText(this.path) === this.content) rmSync(this.path, { force: true });
  }
}

/** link(2) makes the name with its content in one step, or fails because the name is there. */
function tryLink(own: string, path: string): boolean {
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Two starters may see the same stale lock: one of them could move aside the lock that the other just took. */
function moveAside(path: string, aside: string): void {
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const moved = readHolder(aside);
  if (moved && isHeld(moved)) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function isHeld(holder: Holder): boolean {
  return isRunning(holder.pid) && birthOf(holder.pid) === holder.birth;
}

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readText(path)) as Holder;
  } catch {
    // Empty or cut off by a power failure: nobody holds it.
    return undefined;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function busy(folder: string, pid: number | undefined): StartupError {
  return new StartupError(
    `another Mediakiln uses this data folder${pid ? ` (process ${pid})` : ''}`,
    folder,
    'stop it first, or set DATA_DIR to another folder',
  );
}
