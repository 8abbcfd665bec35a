import { type TestDatabase, createTestDatabase } from './database';
import { type TestGateway, startGateway } from './gateway';
import { TcpProxy } from './tcp-proxy';

export interface TwoGateways {
  first: TestGateway;
  second: TestGateway;
  database: TestDatabase;
  /** The second one's way to the database. */
  proxy: TcpProxy;
  close(): Promise<void>;
}

/** Of one installation. The second has a way to the database that a test can shut. */
export async function startTwoGateways(): Promise<TwoGateways> {
  const database = await createTestDatabase();
  const url = new URL(database.url);
  const proxy = await TcpProxy.to(url.hostname, Number(url.port || 5432));
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  const second = await startGateway({ databaseUrl: () => url.href });
  // Last, since passport asks the youngest gateway of a process about everybody's tokens.
  const first = await startGateway({ databaseUrl: () => database.url });
  const close = async (): Promise<void> => {
    await second.close();
    await first.close();
    await proxy.close();
    await database.close();
  };
  return { first, second, database, proxy, close };
}
