import type { PoolClient } from 'pg';
import { type EntityManager, QueryFailedError } from 'typeorm';

/** A statement that every connection parses and plans once: for the few that run for every job (ADR 0012). */
export interface PreparedStatement {
  /** Unique in the process; the server knows the plan by it. */
  name: string;
  /** Its result has named columns, never `*`: see `columnsOf`. */
  text: string;
}

/**
 * Runs it in the manager's transaction, or on a connection of the pool when there is none.
 * @returns the rows. @throws QueryFailedError, as every other query does
 */
export async function queryPrepared<Row extends object>(
  manager: EntityManager,
  statement: PreparedStatement,
  values: unknown[],
): Promise<Row[]> {
  const runner = manager.queryRunner ?? manager.connection.createQueryRunner();
  try {
    const client = (await runner.connect()) as PoolClient;
    const { rows } = await client.query<Row>({ ...statement, values }).catch((error: Error) => {
      throw new QueryFailedError(statement.text, values, error);
    });
    return rows;
  } finally {
    if (!manager.queryRunner) await runner.release();
  }
}
