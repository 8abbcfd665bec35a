import { randomUUID } from 'node:crypto';
import { dataSourceOptions, migrate } from '@mediakiln/entities';
import { Client } from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';

/** Migrated once per test run; every test database is a copy of it. */
export const TEMPLATE_DATABASE = 'mediakiln_template';

/** `DATABASE_CONNECT_MS` of what a test starts, where the database's absence is not what it is about. */
export const PATIENT_CONNECT_MS = 20_000;

export interface TestDatabase {
  url: string;
  dataSource: DataSource;
  close(): Promise<void>;
}

function serverUrl(): string {
  const url = process.env.TEST_DATABASE_URL;
  if (!url)
    throw new Error(
      'TEST_DATABASE_URL is not set: tests run through `npm test`, whose global setup starts PostgreSQL',
    );
  return url;
}

export function urlOf(database: string): string {
  const url = new URL(serverUrl());
  url.pathname = `/${database}`;
  return url.toString();
}

async function onServer(statement: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl() });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Called by the global setup. */
export async function createTemplate(): Promise<void> {
  await onServer(`DROP DATABASE IF EXISTS ${TEMPLATE_DATABASE} WITH (FORCE)`);
  await onServer(`CREATE DATABASE ${TEMPLATE_DATABASE}`);
  const dataSource = new DataSource(patientOptions(urlOf(TEMPLATE_DATABASE), 2));
  await dataSource.initialize();
  await migrate(dataSource);
  await dataSource.destroy();
}

export const patientOptions = (databaseUrl: string, databasePool: number): DataSourceOptions =>
  dataSourceOptions({ databaseUrl, databasePool, databaseConnectMs: PATIENT_CONNECT_MS });

/** A database of its own for one test file, schema in place. Close it in `afterAll`. */
export async function createTestDatabase(databasePool = 10): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await onServer(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE_DATABASE}`);
  const dataSource = new DataSource(patientOptions(urlOf(name), databasePool));
  await dataSource.initialize();
  return {
    url: urlOf(name),
    dataSource,
    close: async () => {
      if (dataSource.isInitialized) await dataSource.destroy();
      await onServer(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}
