import type { Log } from '@mediakiln/observability';
import type { AmqpConnectionManager } from 'amqp-connection-manager';
import type { Channel } from 'amqplib';

/** How long any answer of the broker may take before it counts as away. */
export const BROKER_ANSWER_MS = 1_500;
/** A broker that has just started may leave a declaration or a consume unanswered; it is then asked anew. */
export const SETUP_WITHIN_MS = 8_000;
const REOPEN_AFTER_MS = 1_000;

/** @param name shown in the broker's list of connections. */
export function socketOptions(name: string) {
  return {
    heartbeatIntervalInSeconds: 10,
    reconnectTimeInSeconds: 1,
    connectionOptions: { timeout: 5_000, clientProperties: { connection_name: `mediakiln ${name}` } },
  };
}

/**
 * amqp-connection-manager opens channels only along with a connection: one that the broker closes alone (consumer
 * timeout, refused queue) would stay closed, and unwatched its error would end the process. Closing the
 * connection makes the manager connect anew and run the channel's setup again.
 */
export function reopenWhenClosed(manager: AmqpConnectionManager, channel: Channel, log: Log): void {
  const connection = manager.connection;
  channel.on('error', (error: Error) => log.warn('RabbitMQ closed a channel', { err: error }));
  channel.once('close', () => reconnectSoon(manager, connection, log));
}

/** Unless the connection has been replaced by then. A channel whose setup failed may still be open, and is no use. */
export function reconnectSoon(
  manager: AmqpConnectionManager,
  connection: AmqpConnectionManager['connection'],
  log: Log,
): void {
  setTimeout(() => {
    if (manager.connection === connection) reconnect(manager, log);
  }, REOPEN_AFTER_MS).unref();
}

/** Not `manager.reconnect()`: that takes the error listener off a socket that may still fail. */
export function reconnect(manager: AmqpConnectionManager, log: Log): void {
  // The manager's type is one of the low-level connection, what it holds is amqplib's promise model.
  const connection = manager.connection as unknown as { close(): Promise<void> } | undefined;
  connection?.close().catch((error: unknown) => log.debug('connection was closed already', { err: error }));
}

/** Calls `lost` with a sentence whenever there is no connection; without one when we closed it ourselves. */
export function onLoss(manager: AmqpConnectionManager, lost: (reason?: Error) => void): void {
  const explain = (cause: (Error & { code?: unknown }) | undefined): void =>
    // A refused connection to a name with two addresses has a code and an empty message.
    lost(cause && new Error(`RabbitMQ cannot be reached: ${cause.message || String(cause.code)}`, { cause }));
  manager.on('disconnect', ({ err }) => explain(err));
  manager.on('connectFailed', ({ err }) => explain(err));
}
