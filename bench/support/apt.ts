import { spawnSync } from 'node:child_process';

/**
 * Debian packages that a bench compares us with; installed when missing, which takes root.
 * @throws Error with one sentence that names the cure.
 */
export function ensureApt(packages: readonly string[]): void {
  const missing = packages.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0)
    throw new Error(`this bench needs ${missing.join(', ')}: run \`sudo ${command}\` once`);
  aptGet(['update']);
  aptGet(['install', '-y', '--no-install-recommends', ...missing]);
}

function isInstalled(name: string): boolean {
  const query = spawnSync('dpkg-query', ['-W', '-f=${db:Status-Status}', name], { encoding: 'utf8' });
  return query.status === 0 && query.stdout === 'installed';
}

function aptGet(args: readonly string[]): void {
  const run = spawnSync('apt-get', args, {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (run.status !== 0)
    throw new Error(
      `apt-get ${args.join(' ')} failed: ${(run.stderr || String(run.error)).trim().slice(-400)}`,
    );
}
