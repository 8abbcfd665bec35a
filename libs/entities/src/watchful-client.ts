import { type NetConnectOpts, connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Client, type ClientConfig } from 'pg';

/** A statement that takes longer may be slow, or its server frozen: then we go and see. */
const PATIENCE_MS = 3_000;
/** A server that lives says a byte to a newcomer within this time. */
const SIGN_OF_LIFE_MS = 7_000;

/** `SSLRequest`: a server answers it with one byte, before any login (PostgreSQL's protocol, 55.2.12). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/**
 * A connection that breaks when its server is frozen, or beyond a network that swallows packets: nothing else would end
 * the waiting, since the server's machine goes on acknowledging. A server that answers others is given all the time it
 * wants, so migrations, sweeps and waits for locks have no limit. pg's own `query_timeout` would cut those too, and
 * leaves a connection on which the late answer is taken for that of the next statement.
 */
export class WatchfulClient extends Client {
  private timer?: NodeJS.Timeout;
  /** Of the statements in work; another one after each time that nothing is. */
  private spell?: object;

  constructor(config?: string | ClientConfig) {
    super(config);
    const send = this.query.bind(this) as (...args: unknown[]) => unknown;
    this.query = ((...args: unknown[]) => {
      if (!this.spell) this.watch((this.spell = {}));
      return send(...args);
    }) as typeof this.query;
    for (const event of ['drain', 'error', 'end'] as const)
      this.on(event, () => {
        clearTimeout(this.timer);
        this.spell = undefined;
      });
  }

  private watch(spell: object): void {
    this.timer = setTimeout(() => void this.look(spell), PATIENCE_MS).unref();
  }

  private async look(spell: object): Promise<void> {
    const isAlive = await givesSignOfLife(addressOf(this));
    if (this.spell !== spell) return;
    if (isAlive) this.watch(spell);
    else
      this.connection.stream.destroy(
        Object.assign(new Error('PostgreSQL does not answer'), { code: 'ETIMEDOUT' }),
      );
  }
}

function addressOf({ host, port }: Client): NetConnectOpts {
  return host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
}

function givesSignOfLife(address: NetConnectOpts): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address, () => socket.write(SSL_REQUEST));
    const end = (isAlive: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(isAlive);
    };
    // If it was us who stood still, what came meanwhile is read first.
    const timer = setTimeout(() => void nextTurn().then(() => end(false)), SIGN_OF_LIFE_MS);
    socket.once('data', () => end(true));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}
