import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { type TestDatabase, createTestDatabase } from '../../../test/support/database';
import { isConnectionError } from './connection-error';
import { dataSourceOptions } from './data-source';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

it('knows a connection that was cut between two statements of a transaction', async () => {
  const broken = database.dataSource.transaction(async (tx) => {
    const [{ pid }] = await tx.query<[{ pid: number }]>('SELECT pg_backend_pid() AS pid');
    await database.dataSource.query('SELECT pg_terminate_backend($1)', [pid]);
    // Only a connection that was seen to break takes the way that is tested here.
    for (let waits = 0; waits < 500 && !tx.queryRunner!.isReleased; waits++) await sleep(10);
    await tx.query('SELECT 1');
  });
  const error: unknown = await broken.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(isConnectionError(error)).toBe(true);
  expect(await database.dataSource.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

it('is cut off by PostgreSQL when it sits in a transaction for a lease', async () => {
  const options = dataSourceOptions({ databaseUrl: database.url, databasePool: 2, leaseSeconds: 1 });
  const impatient = await new DataSource(options).initialize();
  try {
    const broken = impatient.transaction(async (tx) => {
      await tx.query('SELECT 1');
      for (let waits = 0; waits < 3_000 && !tx.queryRunner!.isReleased; waits++) await sleep(10);
      await tx.query('SELECT 1');
    });
    const error: unknown = await broken.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(isConnectionError(error)).toBe(true);
  } finally {
    await impatient.destroy();
  }
});

it.each([
  ['a wrong statement', 'SELEC 1'],
  ['a violated rule', 'INSERT INTO media DEFAULT VALUES'],
])('does not take %s for an absent database', async (_what, statement) => {
  const error: unknown = await database.dataSource.query(statement).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  expect(isConnectionError(error)).toBe(false);
});
