import { connect } from 'amqplib';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A broker of our own on loopback, which a test may kill. */
export interface RabbitBroker {
  /** Stays the same over `kill9` and `start`. */
  readonly url: string;
  /** Process id of the broker itself; 0 when it does not run. */
  pid(): Promise<number>;
  /** Ends it as a power cut would; its data stays. */
  kill9(): Promise<void>;
  /** Starts it again after `kill9`, on the same port and data. Resolves when it serves. */
  start(): Promise<void>;
  /** Ends it and removes everything that it left. */
  stop(): Promise<void>;
}

export interface RabbitBrokerOptions {
  /** After so long an unacknowledged delivery closes its channel; RabbitMQ looks once a minute. */
  consumerTimeoutMs?: number;
}

const HANDSHAKE_WITHIN_MS = 60_000;

/**
 * The port opens long before the broker can serve, so this waits for a whole AMQP handshake.
 * @param failed a reason to give up early, such as an ended process.
 */
export async function awaitHandshake(
  url: string,
  failed: () => string | undefined = () => undefined,
): Promise<void> {
  const deadline = performance.now() + HANDSHAKE_WITHIN_MS;
  for (;;) {
    try {
      const connection = await connect(url, { timeout: 10_000 });
      await connection.close();
      return;
    } catch (error) {
      const reason = failed();
      if (reason !== undefined) throw new Error(`RabbitMQ did not start: ${reason}`, { cause: error });
      if (performance.now() > deadline) {
        const host = new URL(url).host;
        throw new Error(`RabbitMQ on ${host} did not serve within ${HANDSHAKE_WITHIN_MS / 1000} s`, {
          cause: error,
        });
      }
      await sleep(200);
    }
  }
}

/** Ports that were free a moment ago. All are held until the last is known, so they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer().once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
