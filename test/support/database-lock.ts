import type { DataSource } from 'typeorm';
import { until } from './until';

const STOPS = { object: 4_242, session: 4_243, batch: 4_244, webhook_delivery: 4_245 };
const stopAt = (table: keyof typeof STOPS, event: string): string => `
CREATE OR REPLACE FUNCTION stop_at_${table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${STOPS[table]});
  RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER stop_at_${table} BEFORE ${event} EXECUTE FUNCTION stop_at_${table}();`;

/** A place where a process of ours is stopped by the database, so that a test can do something to it just there. */
export class DatabaseLock {
  private constructor(
    private readonly database: DataSource,
    private readonly giveUp: () => Promise<void>,
  ) {}

  /**
   * Nobody can put an output or an upload: the engine is done by then, nothing of its work is kept yet. A trigger waits,
   * and not the table's own lock, which would stop the sweeper too.
   */
  static async onObjects(database: DataSource): Promise<DatabaseLock> {
    return DatabaseLock.onInsert(database, 'object');
  }

  /** Nobody can insert a row there; whoever tries holds what its transaction has locked so far. */
  static async onInsert(
    database: DataSource,
    table: Exclude<keyof typeof STOPS, 'batch'>,
  ): Promise<DatabaseLock> {
    return DatabaseLock.onEvent(database, table, `INSERT ON ${table} FOR EACH ROW`);
  }

  /** Of every list the first chunk can be inserted, and no other. */
  static async onLaterChunks(database: DataSource): Promise<DatabaseLock> {
    const later = 'OLD.rows_inserted > 0 AND NEW.rows_inserted > OLD.rows_inserted';
    return DatabaseLock.onEvent(database, 'batch', `UPDATE ON batch FOR EACH ROW WHEN (${later})`);
  }

  /** @param statement a SELECT that locks. */
  static onRows(database: DataSource, statement: string): Promise<DatabaseLock> {
    return DatabaseLock.take(database, statement, []);
  }

  /** Nobody can move the job: its output is kept by then, its row does not say so yet. */
  static onJob(database: DataSource, jobId: string): Promise<DatabaseLock> {
    return DatabaseLock.take(database, 'SELECT FROM job WHERE id = $1 FOR UPDATE', [jobId]);
  }

  private static async onEvent(
    database: DataSource,
    table: keyof typeof STOPS,
    event: string,
  ): Promise<DatabaseLock> {
    await database.query(stopAt(table, event));
    return DatabaseLock.take(database, 'SELECT pg_advisory_xact_lock($1)', [STOPS[table]]);
  }

  private static async take(
    database: DataSource,
    statement: string,
    values: unknown[],
  ): Promise<DatabaseLock> {
    const holder = database.createQueryRunner();
    await holder.startTransaction();
    await holder.query(statement, values);
    return new DatabaseLock(database, async () => {
      if (holder.isReleased) return;
      await holder.rollbackTransaction();
      await holder.release();
    });
  }

  /** Waits until a statement that begins like this waits for a lock. */
  async awaitBlocked(statement: string): Promise<void> {
    await until(`"${statement}…" to wait for the lock`, async () => {
      const [row] = await this.database.query<{ count: number }[]>(
        `SELECT count(*)::int FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND ltrim(query, E' \\n') LIKE $1 || '%'`,
        [statement],
      );
      return row!.count > 0;
    });
  }

  /** Waits until so many statements wait for a lock, of whatever kind. */
  async awaitWaiting(count: number): Promise<void> {
    await until(`${count} statements to wait for a lock`, async () => {
      const [row] = await this.database.query<{ waiting: number }[]>(
        `SELECT count(*)::int AS waiting FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return row!.waiting >= count;
    });
  }

  /** Breaks the connections that wait, as the death of their machine does; what their transactions did is undone. */
  async breakWaiting(): Promise<void> {
    await this.database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
  }

  async release(): Promise<void> {
    await this.giveUp();
  }
}
