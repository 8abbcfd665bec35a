import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { dataSourceOptions, migrate } from '@mediakiln/entities';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { providePostgres } from '../test/support/postgres';

/** Runs the migrations into a scratch database and asks TypeORM what the entities would still change there. */
async function drift(server: string): Promise<string[]> {
  const name = `drift_${randomUUID().replaceAll('-', '')}`;
  const admin = new Client({ connectionString: server });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const dataSource = new DataSource(dataSourceOptions({ databaseUrl: url.toString(), databasePool: 2 }));
  try {
    await dataSource.initialize();
    await migrate(dataSource);
    const changes = await dataSource.driver.createSchemaBuilder().log();
    return changes.upQueries.map((change) => change.query);
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
    await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await admin.end();
  }
}

async function main(): Promise<void> {
  const server = await providePostgres();
  try {
    const changes = await drift(server.url);
    if (changes.length === 0) return;
    console.error(
      `Entities and migrations differ. A new migration would have to say:\n  ${changes.join(';\n  ')};`,
    );
    process.exitCode = 1;
  } finally {
    await server.stop();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
