import { DataSource } from 'typeorm';
import { TcpProxy } from '../../../test/support/tcp-proxy';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { isConnectionError } from './connection-error';
import { dataSourceOptions } from './data-source';

let database: TestDatabase;
let proxy: TcpProxy;
let dataSource: DataSource;
beforeAll(async () => {
  database = await createTestDatabase();
  const server = new URL(database.url);
  proxy = await TcpProxy.to(server.hostname, Number(server.port));
  server.host = `127.0.0.1:${proxy.port}`;
  dataSource = await new DataSource(
    dataSourceOptions({ databaseUrl: server.toString(), databasePool: 3, databaseConnectMs: 1_500 }),
  ).initialize();
});
afterEach(() => proxy.open());
afterAll(async () => {
  await dataSource.destroy();
  await proxy.close();
  await database.close();
});

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );
const backendOf = async (): Promise<number> => {
  const [row] = await dataSource.query<[{ pid: number }]>('SELECT pg_backend_pid() AS pid');
  return row.pid;
};

it('breaks a connection whose server has gone silent, and takes a new one afterwards', async () => {
  const before = await backendOf();
  proxy.freeze();
  expect(isConnectionError(await failureOf(dataSource.query('SELECT 1')))).toBe(true);
  expect(isConnectionError(await failureOf(dataSource.transaction((tx) => tx.query('SELECT 1'))))).toBe(true);
  proxy.open();
  expect(await backendOf()).not.toBe(before);
});

it('breaks in the middle of a transaction, and nothing of it stays', async () => {
  const broken = dataSource.transaction(async (tx) => {
    await tx.query('CREATE TABLE half_done ()');
    proxy.freeze();
    await tx.query('SELECT 1');
  });
  expect(isConnectionError(await failureOf(broken))).toBe(true);
  proxy.open();
  expect(await dataSource.query(`SELECT to_regclass('half_done') AS found`)).toEqual([{ found: null }]);
});

it('gives a server that lives all the time that a statement needs', async () => {
  const pid = await backendOf();
  const [row] = await dataSource.query<[{ pid: number }]>('SELECT pg_sleep(9), pg_backend_pid() AS pid');
  expect(row.pid).toBe(pid);
  expect(await backendOf()).toBe(pid);
});
