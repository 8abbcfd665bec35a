import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

declare global {
  var testServers: ChildProcess | undefined;
}

/**
 * Starts the servers of the test run in a process of their own (support/servers.ts), which ends them when we end.
 * That process resolves the `@mediakiln/*` aliases, which Jest does not do outside of tests.
 */
export default async function globalSetup(): Promise<void> {
  const servers = spawn(
    process.execPath,
    ['-r', '@swc-node/register', join(__dirname, 'support/servers.ts')],
    {
      cwd: resolve(__dirname, '..'),
      // Ctrl-C reaches Jest alone; the servers follow when their stdin ends.
      detached: true,
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  globalThis.testServers = servers;
  const environment = await new Promise<Record<string, string>>((resolve, reject) => {
    createInterface(servers.stdout).once('line', (line) =>
      resolve(JSON.parse(line) as Record<string, string>),
    );
    servers.once('error', reject);
    servers.once('exit', () => reject(new Error('the servers that the tests need did not start: see above')));
  });
  Object.assign(process.env, environment);
}
