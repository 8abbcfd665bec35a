import type { ChildProcess } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { StartupError } from '../startup-error';
import { locateBinaries } from './binaries';
import { createCluster, hasCluster, SUPERUSER } from './cluster';
import { findFreePort } from './free-port';
import { serverIdentity } from './identity';
import { stopOrphan, stopPostmaster } from './orphan';
import { PostmasterFailure, type PostmasterPlan, startPostmaster } from './postmaster';

const LARGEST_KEPT_LOG_BYTES = 4 << 20;
const PASSING_RETRY_MS = 200;
const PASSING_PATIENCE_MS = 30_000;
const FAILED_RESTARTS_LIMIT = 3;
const RESTART_PAUSE_MS = 500;

export interface EmbeddedPostgresOptions {
  /** Absolute path of the cluster; made when absent. Its parent exists, and the server's user can enter it. */
  folder: string;
  logFile: string;
  password: string;
  preferredPort?: number;
  database: string;
  settings?: Record<string, string>;
  /** For throw-away clusters: making one does not wait for the disk. */
  isScratch?: boolean;
}

export interface PostgresWatcher {
  restarted(because: string, tookMs: number): void;
  /** The server is gone for good; the process cannot go on. */
  gaveUp(error: StartupError): void;
}

/** A PostgreSQL server of our own on the loopback interface, brought back when it dies. */
export class EmbeddedPostgres {
  private isStopping = false;
  private restarting?: Promise<void>;

  private constructor(
    private readonly plan: PostmasterPlan,
    private readonly options: EmbeddedPostgresOptions,
    private readonly watcher: PostgresWatcher,
    private postmaster: ChildProcess,
  ) {
    this.watch(postmaster);
  }

  /**
   * Starts the server; the caller holds the lock of the data folder.
   * @throws StartupError in one line, whatever is missing
   */
  static async start(options: EmbeddedPostgresOptions, watcher: PostgresWatcher): Promise<EmbeddedPostgres> {
    const identity = serverIdentity(options.folder);
    const binaries = locateBinaries(identity);
    await stopOrphan(options.folder);
    if (!hasCluster(options.folder))
      createCluster({ ...options, binaries, identity, isScratch: options.isScratch ?? false });
    const plan = { ...options, binaries, identity, settings: options.settings ?? {} };
    const { postmaster, port } = await startOnFreePort(plan);
    const server = new EmbeddedPostgres({ ...plan, port }, options, watcher, postmaster);
    try {
      await ensureDatabase(server.urlOf('postgres'), options.database);
    } catch (error) {
      await server.stop();
      throw refusedByOwnServer(options, error);
    }
    return server;
  }

  get port(): number {
    return this.plan.port;
  }

  /** Process id of the present postmaster; another one after a restart. */
  get pid(): number {
    return this.postmaster.pid!;
  }

  get url(): string {
    return this.urlOf(this.options.database);
  }

  urlOf(database: string): string {
    return `postgres://${SUPERUSER}:${encodeURIComponent(this.options.password)}@127.0.0.1:${this.port}/${database}`;
  }

  /** Fast shutdown: clients are cut off, so whoever uses the server has ended before. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await this.restarting;
    await stopPostmaster(this.pid);
  }

  /** Asks for the shutdown without waiting for it: for the last moment of a process that ends unforeseen. */
  abandon(): void {
    if (!this.isStopping) this.postmaster.kill('SIGINT');
  }

  private watch(postmaster: ChildProcess): void {
    const onExit = (code: number | null, signal: NodeJS.Signals | null) => {
      if (!this.isStopping) this.restarting = this.restart(signal ?? `exit code ${code}`);
    };
    // It may have died between being ready and being watched.
    if (postmaster.exitCode !== null || postmaster.signalCode !== null)
      onExit(postmaster.exitCode, postmaster.signalCode);
    else postmaster.once('exit', onExit);
  }

  private async restart(because: string): Promise<void> {
    const begin = performance.now();
    let reason = '';
    for (let failed = 0; failed < FAILED_RESTARTS_LIMIT; failed++) {
      if (failed > 0) await sleep(RESTART_PAUSE_MS);
      if (this.isStopping) return;
      try {
        this.postmaster = await startPatiently(this.plan);
        this.watch(this.postmaster);
        this.watcher.restarted(because, Math.round(performance.now() - begin));
        return;
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
      }
    }
    this.watcher.gaveUp(
      new StartupError(
        `PostgreSQL died (${because}) and did not come back in ${FAILED_RESTARTS_LIMIT} tries: ${reason}`,
        this.plan.folder,
        `see ${this.plan.logFile}, then start again: accepted work is kept`,
      ),
    );
  }
}

async function startOnFreePort(
  plan: Omit<PostmasterPlan, 'port'> & { preferredPort?: number },
): Promise<{ postmaster: ChildProcess; port: number }> {
  forgetLongLog(plan.logFile);
  for (let preferred = plan.preferredPort, tries = 1; ; preferred = undefined, tries++) {
    const port = await findFreePort(preferred);
    try {
      return { postmaster: await startPatiently({ ...plan, port }), port };
    } catch (error) {
      // Somebody took the port between our look and PostgreSQL's.
      if (error instanceof PostmasterFailure && error.isPortBusy && tries < 3) continue;
      throw new StartupError(
        `PostgreSQL does not start: ${error instanceof Error ? error.message : String(error)}`,
        plan.folder,
        `see ${plan.logFile}, or set DATABASE_URL to a PostgreSQL of yours`,
        error,
      );
    }
  }
}

/** Waits for the remains of a killed postmaster to go before it counts as a failure. */
async function startPatiently(plan: PostmasterPlan): Promise<ChildProcess> {
  for (const deadline = performance.now() + PASSING_PATIENCE_MS; ; await sleep(PASSING_RETRY_MS)) {
    try {
      return await startPostmaster(plan);
    } catch (error) {
      const isPassing = error instanceof PostmasterFailure && error.isPassing;
      if (!isPassing || performance.now() > deadline) throw error;
    }
  }
}

async function ensureDatabase(url: string, database: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  // The server may be killed while we talk to it: the query rejects, the event would be fatal.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}

function refusedByOwnServer(options: EmbeddedPostgresOptions, error: unknown): StartupError {
  const isPassword = (error as { code?: string }).code === '28P01';
  const reason = error instanceof Error ? error.message : String(error);
  return new StartupError(
    isPassword ? 'the database does not take the kept password' : `the database cannot be used: ${reason}`,
    options.folder,
    isPassword
      ? 'put back the secrets.json that belongs to this database'
      : `see ${options.logFile}, or set DATABASE_URL to a PostgreSQL of yours`,
    error,
  );
}

function forgetLongLog(logFile: string): void {
  if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > LARGEST_KEPT_LOG_BYTES) rmSync(logFile);
}
