import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { type RabbitBroker, type RabbitBrokerOptions, awaitHandshake } from './rabbit-broker';
import { RabbitContainer } from './rabbit-container';
import { RabbitNode } from './rabbit-node';

export type { RabbitBroker, RabbitBrokerOptions };

/** Starts a private broker: installed binaries, else apt-get as root, else Docker. */
export async function startRabbit(options: RabbitBrokerOptions = {}): Promise<RabbitBroker> {
  if (!isInstalled() && process.getuid?.() === 0 && (await has('apt-get', '--version'))) await install();
  if (isInstalled()) return RabbitNode.launch(options);
  if (await has('docker', 'info')) return RabbitContainer.launch(options);
  throw new Error(
    'RabbitMQ is missing and could not be installed: set RABBITMQ_URL to a running broker, ' +
      'or install the Debian package rabbitmq-server, or start a Docker engine',
  );
}

/** The broker that a whole test run shares: the one that the environment names, else a private one. */
export async function provideRabbit(): Promise<{ url: string; stop(): Promise<void> }> {
  const url = process.env.TEST_RABBITMQ_URL || process.env.RABBITMQ_URL;
  if (!url) return startRabbit();
  await awaitHandshake(url);
  return { url, stop: () => Promise.resolve() };
}

function isInstalled(): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return RabbitNode.isInstalled() && folders.some((folder) => existsSync(join(folder, 'epmd')));
}

const run = promisify(execFile);

async function has(command: string, argument: string): Promise<boolean> {
  try {
    await run(command, [argument], { timeout: 15_000 });
    return true;
  } catch {
    return false; // missing, or installed without what it needs: both mean that we cannot use it
  }
}

async function install(): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const lock = ['-o', 'DPkg::Lock::Timeout=300'];
  try {
    await run('apt-get', ['update', '-q', ...lock], { env, maxBuffer: 1 << 26 });
    await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...lock, 'rabbitmq-server'], {
      env,
      maxBuffer: 1 << 26,
    });
  } catch (error) {
    // Docker may still help; the sentence at the end names what is missing.
    console.warn(`apt-get could not install rabbitmq-server: ${(error as Error).message.slice(0, 500)}`);
  }
}
