import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StartupError } from '../startup-error';
import type { Identity } from './identity';

export const SUPERUSER = 'mediakiln';

/** Nothing of our own environment (PGPORT, PGDATA, LC_ALL …) may steer the server. */
export const SERVER_ENVIRONMENT = { PATH: process.env.PATH ?? '/usr/bin:/bin', LANG: 'C', LC_ALL: 'C' };

export interface ClusterPlan {
  binaries: string;
  folder: string;
  identity: Identity;
  password: string;
  /** For throw-away clusters: leaves out the flush to disk. */
  isScratch: boolean;
}

export const hasCluster = (folder: string): boolean => existsSync(join(folder, 'PG_VERSION'));

/** Makes the cluster beside its place and renames it: a crash in between leaves no half of one. */
export function createCluster(plan: ClusterPlan): void {
  const parent = dirname(plan.folder);
  const unfinished = mkdtempSync(join(parent, 'initdb-'));
  try {
    own(unfinished, plan.identity);
    // The server's user must read the password, nobody else may.
    const passwordFile = join(unfinished, 'password');
    writeFileSync(passwordFile, plan.password, { mode: 0o600 });
    own(passwordFile, plan.identity);
    const made = join(unfinished, 'cluster');
    mkdirSync(made, { mode: 0o700 });
    own(made, plan.identity);
    runInitdb(plan, made, passwordFile);
    renameSync(made, plan.folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

function runInitdb(plan: ClusterPlan, made: string, passwordFile: string): void {
  const encoding = ['-E', 'UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const access = ['-U', SUPERUSER, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`];
  const flush = plan.isScratch ? ['--no-sync'] : [];
  const run = spawnSync(join(plan.binaries, 'bin/initdb'), ['-D', made, ...access, ...encoding, ...flush], {
    ...plan.identity,
    cwd: '/',
    env: SERVER_ENVIRONMENT,
    encoding: 'utf8',
  });
  if (run.status === 0) return;
  throw new StartupError(
    `a new database cannot be made: ${run.error?.message ?? lastLine(run.stderr)}`,
    plan.folder,
    'free some disk space, or set DATA_DIR to another folder',
    run.stderr,
  );
}

function own(path: string, identity: Identity): void {
  if (identity.uid !== undefined) chownSync(path, identity.uid, identity.gid ?? identity.uid);
}

function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return (
    lines.find((line) => line.includes('error:') || line.includes('FATAL')) ??
    lines.at(-1) ??
    'no reason given'
  ).trim();
}
