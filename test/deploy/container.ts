import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ComposeService } from './compose';
import { type ImageFolder, plainPath } from './image-folder';

const run = promisify(execFile);

export interface ContainerOptions {
  name: string;
  image: ImageFolder;
  service: ComposeService;
  /** Of the image, in exec form. */
  command: string[];
  /** A copy of Node that the plain user may execute. */
  node: string;
  /** What stands for something else on this machine: ports, hosts, the volume's folder. */
  mapped: Record<string, string>;
}

const HEALTHY_WITHIN_MS = 120_000;
const PAUSE_MS = 500;

/** A service of the Compose file as a plain process: the image's command, user and environment, and Compose's. */
export class Container {
  readonly environment: Record<string, string>;
  private readonly child: ChildProcess;
  private readonly identity: { uid?: number; gid?: number };
  private output = '';

  constructor(private readonly options: ContainerOptions) {
    const { image, service, command, node, mapped } = options;
    this.environment = { ...image.environment, ...service.environment, ...mapped, PATH: plainPath() };
    const [uid, gid] = service.user!.split(':').map(Number);
    // Without root there is one plain user at hand: ourselves.
    this.identity = process.getuid?.() === 0 ? { uid, gid } : {};
    if (command[0] !== 'node') throw new Error(`not started by node: ${command.join(' ')}`);
    this.child = spawn(node, command.slice(1), {
      cwd: join(image.root, image.workdir),
      env: this.environment,
      ...this.identity,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.on('data', (text: Buffer) => (this.output = (this.output + text.toString()).slice(-20_000)));
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Runs Compose's own health check until it is content. @throws Error with the output of a service that is not well. */
  async healthy(): Promise<void> {
    const [kind, command, ...args] = this.options.service.healthcheck!.test;
    if (kind !== 'CMD' || command !== 'node') throw new Error('the health check is not run by node');
    const deadline = performance.now() + HEALTHY_WITHIN_MS;
    for (;;) {
      try {
        await run(this.options.node, args, { env: this.environment, ...this.identity });
        return;
      } catch (error) {
        if (this.child.exitCode !== null || performance.now() > deadline)
          throw new Error(`${this.options.name} did not become healthy:\n${this.output}`, { cause: error });
      }
      await sleep(PAUSE_MS);
    }
  }

  /** `/health/ready` of its operators' port. */
  async isReady(): Promise<boolean> {
    const answer = await fetch(`http://127.0.0.1:${this.environment.METRICS_PORT}/health/ready`);
    return answer.ok;
  }

  /** As `docker stop` does. @returns how it ended within the time, or null when it had to be killed. */
  async stop(withinMs: number): Promise<{ code: number | null; signal: NodeJS.Signals | null } | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null)
      return { code: this.child.exitCode, signal: this.child.signalCode };
    const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
      this.child.once('exit', (code, signal) => resolve({ code, signal })),
    );
    this.child.kill('SIGTERM');
    const timer = new AbortController();
    const result = await Promise.race([ended, sleep(withinMs, null, { signal: timer.signal })]);
    timer.abort();
    if (result === null) this.child.kill('SIGKILL');
    return result;
  }
}
