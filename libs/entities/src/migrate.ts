import type { DataSource } from 'typeorm';

/** Any fixed number: every replica that starts must ask for the same lock. */
const MIGRATION_LOCK = 7_240_915;

/** Brings the schema up to date. N processes may start together: one migrates, the others wait for it. */
export async function migrate(dataSource: DataSource): Promise<void> {
  const holder = dataSource.createQueryRunner();
  await holder.connect();
  try {
    await holder.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await dataSource.runMigrations({ transaction: 'each' });
  } finally {
    await holder.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => undefined);
    await holder.release();
  }
}
