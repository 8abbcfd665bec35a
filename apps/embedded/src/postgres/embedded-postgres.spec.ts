import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { until } from '../../../../test/support/until';
import { isRunning } from '../process-facts';
import type { StartupError } from '../startup-error';
import { EmbeddedPostgres, type PostgresWatcher } from './embedded-postgres';
import { serverIdentity } from './identity';

const silent: PostgresWatcher = { restarted: () => undefined, gaveUp: () => undefined };

async function query<Row>(url: string, text: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(text)).rows as Row[];
  } finally {
    await client.end();
  }
}

describe('embedded PostgreSQL', () => {
  let home: string;
  let server: EmbeddedPostgres | undefined;

  const start = async (watcher = silent, preferredPort?: number): Promise<EmbeddedPostgres> => {
    server = await EmbeddedPostgres.start(
      {
        folder: join(home, 'cluster'),
        logFile: join(home, 'postgres.log'),
        password: 'a pass/word:@',
        database: 'mediakiln',
        ...(preferredPort === undefined ? {} : { preferredPort }),
      },
      watcher,
    );
    return server;
  };

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'mediakiln-launcher-'));
    chmodSync(home, 0o755);
  });

  afterEach(async () => {
    await server?.stop();
    server = undefined;
    rmSync(home, { recursive: true, force: true });
  });

  it('keeps its data and its port over a restart, with durable settings and no socket file', async () => {
    const first = await start();
    const { port } = first;
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const settings = await query<{ name: string; setting: string }>(
      first.url,
      `SELECT name, setting FROM pg_settings WHERE name IN
       ('fsync', 'synchronous_commit', 'full_page_writes', 'listen_addresses', 'unix_socket_directories') ORDER BY name`,
    );
    expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
      fsync: 'on',
      full_page_writes: 'on',
      listen_addresses: '127.0.0.1',
      synchronous_commit: 'on',
      unix_socket_directories: '',
    });
    await first.stop();
    expect(isRunning(first.pid)).toBe(false);

    const second = await start(silent, port);
    expect(second.port).toBe(port);
    await expect(query(second.url, 'SELECT answer FROM kept')).resolves.toEqual([{ answer: 42 }]);
  });

  it('asks for its password, and keeps its files to its own user', async () => {
    const { url } = await start();
    const wrong = new URL(url);
    wrong.password = 'guessed';
    await expect(query(wrong.toString(), 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    expect(statSync(join(home, 'cluster')).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(home, 'cluster/pg_hba.conf'), 'utf8')).not.toMatch(/^[^#]*\btrust\b/m);
  });

  it('takes another port when the one it had is busy', async () => {
    const squatter = await start();
    const other = mkdtempSync(join(tmpdir(), 'mediakiln-launcher-'));
    chmodSync(other, 0o755);
    const second = await EmbeddedPostgres.start(
      {
        folder: join(other, 'cluster'),
        logFile: join(other, 'postgres.log'),
        password: 'x',
        database: 'mediakiln',
        preferredPort: squatter.port,
        isScratch: true,
      },
      silent,
    );
    try {
      expect(second.port).not.toBe(squatter.port);
    } finally {
      await second.stop();
      rmSync(other, { recursive: true, force: true });
    }
  });

  it('comes back on the same port after kill -9 of the postmaster, again and again', async () => {
    let restarts = 0;
    const running = await start({ ...silent, restarted: () => restarts++ });
    const { port } = running;
    await query(running.url, 'CREATE TABLE kept AS SELECT 1 AS n');
    for (let kill = 1; kill <= 3; kill++) {
      process.kill(running.pid, 'SIGKILL');
      await until('the restart', () => restarts >= kill, 30_000);
      await expect(query(running.url, 'SELECT n FROM kept')).resolves.toEqual([{ n: 1 }]);
    }
    expect(running.port).toBe(port);
  });

  it('gives up in one line after three restarts that failed', async () => {
    const gaveUp = new Promise<StartupError>((resolve) => {
      void start({ ...silent, gaveUp: resolve }).then((running) => {
        rmSync(join(home, 'cluster/global'), { recursive: true });
        process.kill(running.pid, 'SIGKILL');
      });
    });
    const error = await gaveUp;
    expect(error.message).toMatch(/did not come back in 3 tries: .*\(.*cluster\): see .*postgres\.log/);
    expect(error.message).not.toContain('\n');
  });

  it('stops the postmaster that a killed process left behind, and goes on with its data', async () => {
    const { node, port, pid } = await startElsewhere(home);
    node.kill('SIGKILL');
    await new Promise((resolve) => node.once('exit', resolve));
    expect(isRunning(pid)).toBe(true);

    const heir = await start(silent, port);
    expect(isRunning(pid)).toBe(false);
    expect(heir.port).toBe(port);
    await expect(query(heir.url, 'SELECT n FROM kept')).resolves.toEqual([{ n: 7 }]);
  });

  it('is not fooled by a pid file whose number belongs to a stranger by now', async () => {
    const first = await start();
    await first.stop();
    // Of the server's own user: PostgreSQL takes such a process for a postmaster, and would wait for it for ever.
    const stranger = spawn('sleep', ['60'], {
      ...serverIdentity(join(home, 'cluster')),
      stdio: 'ignore',
      cwd: '/',
    });
    try {
      writePidFile(join(home, 'cluster'), stranger.pid!);
      const second = await start();
      await expect(query(second.url, 'SELECT 1 AS one')).resolves.toEqual([{ one: 1 }]);
      expect(isRunning(stranger.pid!)).toBe(true);
    } finally {
      stranger.kill();
    }
  });

  it("names the folder and the cure when the kept password is not the database's", async () => {
    await (await start()).stop();
    await expect(
      EmbeddedPostgres.start(
        {
          folder: join(home, 'cluster'),
          logFile: join(home, 'postgres.log'),
          password: 'another',
          database: 'mediakiln',
        },
        silent,
      ),
    ).rejects.toThrow(/does not take the kept password \(.*cluster\): put back the secrets\.json/);
  });
});

function writePidFile(cluster: string, pid: number): void {
  const { uid, gid } = statSync(join(cluster, 'PG_VERSION'));
  const file = join(cluster, 'postmaster.pid');
  writeFileSync(file, `${pid}\n${cluster}\n1\n1\n\n127.0.0.1\n\nready\n`, { mode: 0o600 });
  if (process.getuid?.() === 0) chownSync(file, uid, gid);
}

/** A Node process of its own that starts the server, writes a row and waits to be killed. */
async function startElsewhere(home: string): Promise<{ node: ChildProcess; port: number; pid: number }> {
  const script = `
    const { EmbeddedPostgres } = require(${JSON.stringify(resolve(__dirname, 'embedded-postgres.ts'))});
    const { Client } = require('pg');
    EmbeddedPostgres.start(
      { folder: ${JSON.stringify(join(home, 'cluster'))}, logFile: ${JSON.stringify(join(home, 'postgres.log'))},
        password: 'a pass/word:@', database: 'mediakiln' },
      { restarted() {}, gaveUp() {} },
    ).then(async (server) => {
      const client = new Client({ connectionString: server.url });
      await client.connect();
      await client.query('CREATE TABLE kept AS SELECT 7 AS n');
      console.log(JSON.stringify({ port: server.port, pid: server.pid }));
    });`;
  const node = spawn(process.execPath, ['-r', '@swc-node/register', '-e', script], {
    cwd: resolve(__dirname, '../../../..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const facts = await new Promise<string>((resolve) =>
    node.stdout.once('data', (data: Buffer) => resolve(data.toString())),
  );
  return { node, ...(JSON.parse(facts) as { port: number; pid: number }) };
}
