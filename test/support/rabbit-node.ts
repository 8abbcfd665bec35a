import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RabbitBroker, type RabbitBrokerOptions, awaitHandshake, freePorts } from './rabbit-broker';

/** Not the wrapper in /usr/sbin: that one turns into the user `rabbitmq` and uses the machine's own broker folders. */
const SERVER = [
  process.env.RABBITMQ_SERVER ?? '',
  '/usr/lib/rabbitmq/bin/rabbitmq-server',
  '/opt/homebrew/sbin/rabbitmq-server',
].find((path) => path !== '' && existsSync(path));

const LAUNCH_ATTEMPTS = 3;

/** A broker from the installed binaries: own ports, own epmd, own HOME and so its own cookie. */
export class RabbitNode implements RabbitBroker {
  readonly url: string;
  private epmd?: ChildProcess;
  private server?: ChildProcess;
  private readonly endWithUs = () => this.end();

  private constructor(
    private readonly folder: string,
    private readonly port: number,
    private readonly distributionPort: number,
    private readonly epmdPort: number,
  ) {
    this.url = `amqp://guest:guest@127.0.0.1:${port}`;
  }

  static isInstalled(): boolean {
    return SERVER !== undefined;
  }

  /** A free port can be taken by somebody else before the broker binds it, hence the attempts. */
  static async launch(options: RabbitBrokerOptions): Promise<RabbitNode> {
    for (let attempt = 1; ; attempt++) {
      const node = await RabbitNode.prepare(options);
      try {
        await node.start();
        return node;
      } catch (error) {
        await node.stop();
        if (attempt === LAUNCH_ATTEMPTS) throw error;
      }
    }
  }

  private static async prepare({ consumerTimeoutMs }: RabbitBrokerOptions): Promise<RabbitNode> {
    const folder = await mkdtemp(join(tmpdir(), 'mediakiln-rabbit-'));
    await mkdir(join(folder, 'mnesia'));
    await mkdir(join(folder, 'log'));
    await writeFile(join(folder, 'enabled_plugins'), '[].\n');
    const settings = ['vm_memory_high_watermark.absolute = 1GB', 'disk_free_limit.absolute = 50MB'];
    if (consumerTimeoutMs !== undefined) settings.push(`consumer_timeout = ${consumerTimeoutMs}`);
    await writeFile(join(folder, 'rabbitmq.conf'), `${settings.join('\n')}\n`);
    const [port = 0, distributionPort = 0, epmdPort = 0] = await freePorts(3);
    return new RabbitNode(folder, port, distributionPort, epmdPort);
  }

  pid(): Promise<number> {
    return Promise.resolve(this.serverPid());
  }

  async start(): Promise<void> {
    rmSync(join(this.folder, 'pid'), { force: true });
    process.once('exit', this.endWithUs);
    // Started by us, so that we know its process; Erlang would leave one behind that nobody ends.
    this.epmd ??= this.spawn('epmd', ['-port', String(this.epmdPort), '-address', '127.0.0.1']);
    const server = this.spawn(SERVER ?? 'rabbitmq-server', []);
    this.server = server;
    await awaitHandshake(this.url, () => (isRunning(server) ? undefined : this.lastWords()));
  }

  async kill9(): Promise<void> {
    const pid = this.serverPid();
    this.killServer();
    // A start that comes too early would find the ports taken.
    for (let tries = 0; tries < 100 && pid !== 0 && isAlive(pid); tries++) await sleep(50);
  }

  async stop(): Promise<void> {
    process.removeListener('exit', this.endWithUs);
    await this.kill9();
    this.epmd?.kill('SIGKILL');
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  /** The same without waiting, for a process that is about to end. */
  private end(): void {
    this.killServer();
    this.epmd?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private killServer(): void {
    const pid = this.serverPid();
    if (pid !== 0 && isAlive(pid)) process.kill(pid, 'SIGKILL');
    this.server?.kill('SIGKILL');
    this.server = undefined;
  }

  /** The start script is our child, the broker is a child of it and writes its own id here. */
  private serverPid(): number {
    const file = join(this.folder, 'pid');
    return this.server && existsSync(file) ? Number(readFileSync(file, 'utf8').trim()) : 0;
  }

  private spawn(command: string, args: string[]): ChildProcess {
    const output = openSync(join(this.folder, 'output'), 'a');
    try {
      const child = spawn(command, args, { env: this.environment(), stdio: ['ignore', output, output] });
      child.unref();
      return child;
    } finally {
      closeSync(output);
    }
  }

  private environment(): NodeJS.ProcessEnv {
    const at = (name: string): string => join(this.folder, name);
    return {
      PATH: process.env.PATH,
      LANG: 'C.UTF-8',
      HOME: this.folder,
      RABBITMQ_CONF_ENV_FILE: '/dev/null',
      RABBITMQ_NODENAME: `mediakiln${this.port}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: String(this.port),
      RABBITMQ_DIST_PORT: String(this.distributionPort),
      ERL_EPMD_PORT: String(this.epmdPort),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_MNESIA_BASE: at('mnesia'),
      RABBITMQ_LOG_BASE: at('log'),
      RABBITMQ_PID_FILE: at('pid'),
      RABBITMQ_ENABLED_PLUGINS_FILE: at('enabled_plugins'),
      RABBITMQ_CONFIG_FILE: at('rabbitmq'),
      RABBITMQ_ADVANCED_CONFIG_FILE: at('advanced'),
      // Idle schedulers spin by default, which the tests beside us would feel.
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+sbwt none +sbwtdcpu none +sbwtdio none',
    };
  }

  private lastWords(): string {
    return (
      readFileSync(join(this.folder, 'output'), 'utf8').slice(-1_000).trim() || 'it ended without a word'
    );
  }
}

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // ESRCH: no such process
  }
}
