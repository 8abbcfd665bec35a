import { join } from 'node:path';
import type { AppConfig } from '@mediakiln/config';
import { Client } from 'pg';
import { FolderLock } from './data-dir/lock';
import type { SecretsFile } from './data-dir/secrets';
import { EmbeddedPostgres, type PostgresWatcher } from './postgres/embedded-postgres';
import { placeCluster } from './postgres/place';
import { StartupError } from './startup-error';

const CONNECT_TIMEOUT_MS = 5_000;

export interface Database {
  url: string;
  /** For the operator: where the data is. */
  place: string;
  stop(): Promise<void>;
  /** Without waiting, for a process that ends unforeseen. */
  abandon(): void;
}

/** The database that DATABASE_URL names, else one of our own below DATA_DIR. */
export async function openDatabase(
  asked: AppConfig,
  dataDir: string,
  secrets: SecretsFile,
  watcher: PostgresWatcher,
): Promise<Database> {
  if (asked.databaseUrl === undefined) return startOwn(dataDir, secrets, watcher);
  await reach(asked.databaseUrl);
  return {
    url: asked.databaseUrl,
    place: hostOf(asked.databaseUrl),
    stop: () => Promise.resolve(),
    abandon: () => undefined,
  };
}

async function startOwn(dataDir: string, secrets: SecretsFile, watcher: PostgresWatcher): Promise<Database> {
  const { folder, unreachable } = placeCluster(dataDir, secrets.all.postgres_folder);
  // Outside of DATA_DIR two data folders could come to share a database, when one is a copy of the other.
  const isOutside = !folder.startsWith(`${dataDir}/`);
  const lock = isOutside ? FolderLock.take(join(folder, '..')) : undefined;
  let server: EmbeddedPostgres;
  try {
    server = await EmbeddedPostgres.start(
      {
        folder,
        logFile: join(dataDir, 'postgres.log'),
        password: secrets.all.postgres_password,
        database: 'mediakiln',
        ...(secrets.all.postgres_port === undefined ? {} : { preferredPort: secrets.all.postgres_port }),
      },
      watcher,
    );
  } catch (error) {
    lock?.release();
    throw error;
  }
  if (secrets.all.postgres_folder !== folder || secrets.all.postgres_port !== server.port)
    secrets.keep({ postgres_folder: folder, postgres_port: server.port });
  return {
    url: server.url,
    place: unreachable ? `${folder} (its user cannot reach ${unreachable})` : folder,
    stop: async () => {
      await server.stop();
      lock?.release();
    },
    abandon: () => server.abandon(),
  };
}

async function reach(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    throw new StartupError(
      `the database cannot be used: ${message || code}`,
      `DATABASE_URL, ${hostOf(url)}`,
      'start it, correct DATABASE_URL, or unset it to use the embedded PostgreSQL',
      error,
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Without user and password. */
function hostOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
