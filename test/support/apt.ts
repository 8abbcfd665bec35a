import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const APT_GET = '/usr/bin/apt-get';
const OUTPUT_BYTES = 64 << 20;
// Somebody else's apt may be at work: wait for it.
const QUIETLY = ['-y', '-qq', '-o', 'DPkg::Lock::Timeout=300'];

let queue: Promise<unknown> = Promise.resolve();
let refreshed: Promise<unknown> | undefined;

export const canInstallWithApt = (): boolean => process.getuid?.() === 0 && existsSync(APT_GET);

/** Installs Debian packages one call after another, after one `apt-get update` per process. */
export function installWithApt(...packages: string[]): Promise<void> {
  const installed = queue.then(async () => {
    refreshed ??= aptGet('update');
    await refreshed;
    await aptGet('install', '--no-install-recommends', ...packages);
  });
  // A failed package does not keep the next one from being tried; its own caller hears of it.
  queue = installed.catch(() => undefined);
  return installed;
}

/** Makes sure that a command of the Debian package of the same name is there. @throws Error that names the cure. */
export async function ensureCommand(name: string): Promise<void> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  if (folders.some((folder) => existsSync(join(folder, name)))) return;
  if (!canInstallWithApt()) throw new Error(`${name} is missing: install the package ${name}`);
  await installWithApt(name);
}

async function aptGet(...words: string[]): Promise<void> {
  await run(APT_GET, [...QUIETLY, ...words], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: OUTPUT_BYTES,
  });
}
