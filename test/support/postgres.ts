import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPostgres } from '../../apps/embedded/src/postgres/embedded-postgres';

export interface Provided {
  url: string;
  stop(): Promise<void>;
}

/** The server that TEST_DATABASE_URL names, or a throw-away one of our own; its user may make databases. */
export async function providePostgres(): Promise<Provided> {
  const given = process.env.TEST_DATABASE_URL;
  if (given) return { url: given, stop: () => Promise.resolve() };
  const folder = mkdtempSync(join(tmpdir(), 'mediakiln-test-postgres-'));
  // As root, PostgreSQL runs as another user, who must be able to enter.
  chmodSync(folder, 0o755);
  const server = await EmbeddedPostgres.start(
    {
      folder: join(folder, 'cluster'),
      logFile: join(folder, 'postgres.log'),
      password: 'test',
      database: 'postgres',
      isScratch: true,
      settings: { fsync: 'off', synchronous_commit: 'off', max_connections: '400' },
    },
    {
      restarted: (because) => console.error(`the tests' PostgreSQL died (${because}) and was restarted`),
      gaveUp: (error) => console.error(error.message),
    },
  );
  return {
    url: server.url,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
