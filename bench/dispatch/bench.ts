import 'reflect-metadata';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dataSourceOptions, migrate } from '@mediakiln/entities';
import { DataSource } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { EmbeddedPostgres } from '../../apps/embedded/src/postgres/embedded-postgres';
import { startRabbit } from '../../test/support/rabbit';
import { Celery } from '../support/celery';
import { median, percentile } from '../support/measure';
import { report, round } from '../support/report';
import { NOOP_TASKS } from './celery';

const JOBS = 3_000;
const ROUNDS = 3;
const LATENCY_JOBS = 200;
const LATENCY_PAUSE_MS = 25;

/** PostgreSQL, RabbitMQ and two worker processes of ours; durable: fsync stays on. */
class Ours {
  private constructor(
    private readonly folder: string,
    private readonly database: DataSource,
    private readonly owner: string,
    private readonly env: NodeJS.ProcessEnv,
    private readonly stops: (() => Promise<unknown>)[],
  ) {}

  static async start(): Promise<Ours> {
    const folder = mkdtempSync(join(tmpdir(), 'mediakiln-bench-'));
    chmodSync(folder, 0o755);
    const postgres = await EmbeddedPostgres.start(
      { folder: join(folder, 'cluster'), logFile: join(folder, 'log'), password: 'bench', database: 'bench' },
      { restarted: (because) => console.error(because), gaveUp: (error) => console.error(error.message) },
    );
    const rabbit = await startRabbit();
    const database = new DataSource(dataSourceOptions({ databaseUrl: postgres.url, databasePool: 4 }));
    await database.initialize();
    await migrate(database);
    const owner = uuidv7();
    await database.query('INSERT INTO "user" (id, email, password_hash) VALUES ($1, $2, $3)', [
      owner,
      'bench',
      'x',
    ]);
    const env = {
      ...process.env,
      DATABASE_URL: postgres.url,
      DATABASE_POOL: '8',
      RABBITMQ_URL: rabbit.url,
      JWT_SECRET: 'a-secret-of-the-bench-and-of-nothing-else',
      DATA_DIR: join(folder, 'data'),
      LOG_LEVEL: 'error',
    };
    const workers = [script('worker.ts', [], env), script('worker.ts', [], env)];
    await Promise.all(workers.map((worker) => line(worker)));
    return new Ours(folder, database, owner, env, [
      ...workers.map((worker) => () => end(worker)),
      () => database.destroy(),
      () => rabbit.stop(),
      () => postgres.stop(),
    ]);
  }

  /** No-op jobs a second from the first submit to the last settled, and commits per job. */
  async throughput(count: number): Promise<{ perSecond: number; commitsPerJob: number }> {
    const commitsBefore = await this.commits();
    const { startedMs } = await this.submit(count, 8, 0);
    while ((await this.unsettled()) > 0) await sleep(20);
    const [row] = await this.database.query<[{ seconds: number }]>(
      'SELECT extract(epoch FROM max(finished_at))::float8 - $1 AS seconds FROM job',
      [startedMs / 1_000],
    );
    const commitsPerJob = ((await this.commits()) - commitsBefore) / count;
    await this.database.query('TRUNCATE job CASCADE');
    return { perSecond: count / row.seconds, commitsPerJob };
  }

  /** Milliseconds from the start of a submit's transaction to its claim, in an idle system. */
  async latencies(): Promise<number[]> {
    await this.submit(LATENCY_JOBS, 1, LATENCY_PAUSE_MS);
    while ((await this.unsettled()) > 0) await sleep(20);
    const rows = await this.database.query<{ ms: number }[]>(
      'SELECT extract(epoch FROM claimed_at - created_at)::float8 * 1000 AS ms FROM job ORDER BY id OFFSET 20',
    );
    await this.database.query('TRUNCATE job CASCADE');
    return rows.map((row) => row.ms);
  }

  async stop(): Promise<void> {
    for (const stop of this.stops) await stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async submit(count: number, parallel: number, pauseMs: number): Promise<{ startedMs: number }> {
    const submitter = script('submitter.ts', [this.owner, count, parallel, pauseMs].map(String), this.env);
    const said = JSON.parse(await line(submitter)) as { startedMs: number };
    return said;
  }

  private async unsettled(): Promise<number> {
    const [row] = await this.database.query<[{ count: number }]>(
      "SELECT count(*)::int FROM job WHERE status IN ('pending', 'processing')",
    );
    return row.count;
  }

  /** Transactions that PostgreSQL committed, the bench's own few polls among them. */
  private async commits(): Promise<number> {
    await sleep(1_500); // idle backends report their counters after a second
    const [row] = await this.database.query<[{ commits: number }]>(
      'SELECT xact_commit::int AS commits FROM pg_stat_database WHERE datname = current_database()',
    );
    return row.commits;
  }
}

function script(name: string, args: string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, ['-r', '@swc-node/register', join(__dirname, name), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

function line(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('\n')) resolve(text.trim());
    });
    child.once('exit', (code) => reject(new Error(`a process of the bench ended early with ${code}`)));
  });
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

async function main(): Promise<void> {
  const celery = await Celery.start(NOOP_TASKS);
  const ours = await Ours.start();
  try {
    const rivals: number[] = [];
    const own: { perSecond: number; commitsPerJob: number }[] = [];
    celery.run('200');
    await ours.throughput(200);
    for (let round = 0; round < ROUNDS; round += 1) {
      rivals.push(JOBS / celery.run(String(JOBS)));
      own.push(await ours.throughput(JOBS));
    }
    const latencies = await ours.latencies();
    const perSecond = median(own.map((run) => run.perSecond));
    const rival = median(rivals);
    report({
      bench: 'dispatch',
      gates: [
        { name: 'submit to claim, p50 ms', actual: percentile(latencies, 0.5), gate: 4, better: 'lower' },
        {
          name: 'no-op jobs/s against Celery',
          actual: perSecond / rival,
          gate: 0.35,
          goal: 1,
          better: 'higher',
        },
        {
          name: 'commits per job',
          actual: median(own.map((run) => run.commitsPerJob)),
          gate: 4,
          better: 'lower',
        },
      ],
      figures: {
        jobs_per_second: round(perSecond, 0),
        celery_tasks_per_second: round(rival, 0),
        submit_to_claim_p99_ms: round(percentile(latencies, 0.99)),
        jobs: JOBS,
        rounds: ROUNDS,
      },
    });
  } finally {
    await ours.stop();
    await celery.stop();
  }
}

void main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
