import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { type RabbitBroker, type RabbitBrokerOptions, awaitHandshake, freePorts } from './rabbit-broker';

const IMAGE = 'rabbitmq:4';
const run = promisify(execFile);

async function docker(...args: string[]): Promise<string> {
  const { stdout } = await run('docker', args);
  return stdout.trim();
}

/** A broker in a container, for machines that have an engine and no package. */
export class RabbitContainer implements RabbitBroker {
  private constructor(
    readonly url: string,
    private readonly name: string,
  ) {}

  static async launch({ consumerTimeoutMs }: RabbitBrokerOptions): Promise<RabbitContainer> {
    const [port = 0] = await freePorts(1);
    const name = `mediakiln-rabbit-${randomUUID()}`;
    const timeout =
      consumerTimeoutMs === undefined
        ? []
        : ['-e', `RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-rabbit consumer_timeout ${consumerTimeoutMs}`];
    // A fixed name of the host keeps the data of the node readable after a restart.
    const identity = ['--name', name, '--hostname', 'rabbit', '-p', `127.0.0.1:${port}:5672`];
    await docker('run', '-d', ...identity, ...timeout, IMAGE);
    const container = new RabbitContainer(`amqp://guest:guest@127.0.0.1:${port}`, name);
    try {
      await awaitHandshake(container.url);
    } catch (error) {
      await container.stop();
      throw error;
    }
    return container;
  }

  async pid(): Promise<number> {
    return Number(await docker('inspect', '-f', '{{.State.Pid}}', this.name));
  }

  async kill9(): Promise<void> {
    await docker('kill', '--signal', 'KILL', this.name);
  }

  async start(): Promise<void> {
    await docker('start', this.name);
    await awaitHandshake(this.url);
  }

  async stop(): Promise<void> {
    await docker('rm', '--force', '--volumes', this.name);
  }
}
