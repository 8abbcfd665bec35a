import { type ChildProcess, spawn } from 'node:child_process';
import type { CompiledApps } from './compiled-apps';
import { freePorts } from './rabbit-broker';

const START_WITHIN_MS = 90_000;
const END_WITHIN_MS = 170_000;

export interface EmbeddedProcess {
  url: string;
  node: ChildProcess;
  /** All that it wrote so far. */
  output(): string;
  /** SIGKILL to Node and to every engine that it started; PostgreSQL leads a group of its own and stays. */
  killGroup(): Promise<void>;
  /** @returns the exit code */
  terminate(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Embedded mode as a process of its own. Resolves when it serves. */
export async function startEmbeddedProcess(
  apps: CompiledApps,
  env: NodeJS.ProcessEnv,
): Promise<EmbeddedProcess> {
  const [port = 0] = await freePorts(1);
  const { node, texts } = launch(apps, { PORT: String(port), ...env });
  const exited = new Promise<void>((resolve) => node.once('exit', () => resolve()));
  const output = () => texts.stdout + texts.stderr;
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`did not start in time: ${output()}`)), START_WITHIN_MS);
    node.stdout?.on('data', () => {
      if (!texts.stdout.includes('Mediakiln is running')) return;
      clearTimeout(late);
      resolve();
    });
    void exited.then(() => {
      clearTimeout(late);
      reject(new Error(`ended at once: ${output()}`));
    });
  });
  return {
    url: `http://127.0.0.1:${port}`,
    node,
    output,
    killGroup: async () => {
      process.kill(-node.pid!, 'SIGKILL');
      await exited;
    },
    terminate: async (signal = 'SIGTERM') => {
      node.kill(signal);
      await exited;
      return node.exitCode;
    },
  };
}

/** Embedded mode where it is expected to end by itself. */
export async function runEmbeddedProcess(
  apps: CompiledApps,
  env: NodeJS.ProcessEnv,
  args: string[] = [],
): Promise<Ended> {
  const { node, texts } = launch(apps, env, args);
  const late = setTimeout(() => node.kill('SIGTERM'), END_WITHIN_MS);
  const code = await new Promise<number | null>((resolve) => node.once('close', resolve));
  clearTimeout(late);
  return { code, ...texts };
}

function launch(
  apps: CompiledApps,
  env: NodeJS.ProcessEnv,
  args: string[] = [],
): { node: ChildProcess; texts: { stdout: string; stderr: string } } {
  const inherited = { PATH: process.env.PATH, HOME: process.env.HOME };
  const node = spawn(process.execPath, [apps.main('embedded'), ...args], {
    detached: true,
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  node.stdout.on('data', (data: Buffer) => (texts.stdout += data.toString()));
  node.stderr.on('data', (data: Buffer) => (texts.stderr += data.toString()));
  return { node, texts };
}
