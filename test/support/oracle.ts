import { LocalStorage, objectKey } from '@mediakiln/storage';
import { OPERATIONS } from '@mediakiln/operations';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { sweepWithoutGrace } from './grace';
import { wrongDeliveries } from './oracle.deliveries';
import { engines } from './proc';
import type { System } from './system';
import { until } from './until';

/** What the clients were told; nothing else counts as accepted. */
export interface Ledger {
  uploads: readonly { id: string; sha256: string }[];
  jobs: readonly string[];
}

export interface OracleOptions {
  /** How long the jobs may take until all have ended. */
  patienceMs?: number;
}

const PATIENCE_MS = 120_000;
const SWEPT_WITHIN_MS = 30_000;
/** Workers look every 15 seconds, and spare folders younger than 10. */
const CLEANED_WITHIN_MS = 40_000;
const TERMINAL = "('completed', 'failed', 'canceled')";
const MAKERS = new Set(OPERATIONS.filter(({ role }) => role === 'transform').map(({ name }) => name));

interface HlsReport {
  renditions: readonly { name: string }[];
}

/** The variants of operations that make several files; all others make one, `output`. */
const SEVERAL: Readonly<Record<string, (report: unknown) => string[]>> = {
  'video.sprite': () => ['sheet', 'track'],
  'video.hls': (report) => [
    'master',
    ...(report as HlsReport).renditions.flatMap(({ name }) => [`playlist-${name}`, `video-${name}`]),
  ],
};

/**
 * Judges a system after whatever was done to it.
 * I1 every acknowledged upload is there, byte for byte. I2 every accepted job has ended. I3 one row and one file
 * for each output of a completed job, nothing without its counterpart. I4 one delivery for each end of a job or a batch
 * to each of its receivers, and no other. I5 no work file and no engine is left.
 * @returns one sentence per broken promise; empty when all were kept
 */
export async function judge(
  system: System,
  ledgers: readonly Ledger[],
  { patienceMs = PATIENCE_MS }: OracleOptions = {},
): Promise<string[]> {
  const { database, dataDir } = system;
  const ended = await untilEnded(database, patienceMs);
  const orphaned = await lastingOrphans(system);
  return [
    ...ended,
    ...(ended.length > 0 ? system.processes.map((one) => one.lastWords('left jobs undone')) : []),
    ...orphaned,
    ...(await lostUploads(database, ledgers, await readFiles(dataDir))),
    ...(await lostJobs(database, ledgers)),
    ...(await wrongOutputs(database)),
    ...(await wrongDeliveries(database)),
    ...(await lastingLeftovers(dataDir)),
  ];
}

/**
 * What a sweep leaves. The system's own sweeper, which may have listed a file just before it was deleted, gives it a
 * row that goes with the next sweep: so there is more than one.
 */
async function lastingOrphans(system: System): Promise<string[]> {
  const look = async (): Promise<string[]> => {
    await sweepWithoutGrace(system);
    return orphans(system.database, await readFiles(system.dataDir));
  };
  try {
    await until('rows and files to match', async () => (await look()).length === 0, SWEPT_WITHIN_MS);
    return [];
  } catch {
    return look();
  }
}

/** @returns sentences about jobs that have not ended in time. */
export async function untilEnded(database: DataSource, patienceMs = PATIENCE_MS): Promise<string[]> {
  const running = (): Promise<{ id: string; status: string; events: string }[]> =>
    database.query(
      `SELECT id, status, (SELECT string_agg(reason, ' ' ORDER BY id) FROM job_event WHERE job_id = job.id) AS events
       FROM job WHERE status NOT IN ${TERMINAL}`,
    );
  try {
    await until('all jobs to end', async () => (await running()).length === 0, patienceMs);
    return [];
  } catch {
    return (await running()).map(({ id, status, events }) => `I2: job ${id} is still ${status} (${events})`);
  }
}

async function lostUploads(
  database: DataSource,
  ledgers: readonly Ledger[],
  files: Map<string, string>,
): Promise<string[]> {
  const uploads = ledgers.flatMap((ledger) => ledger.uploads);
  const rows = await database.query<{ id: string; owner_id: string; sha256: string | null }[]>(
    'SELECT id, owner_id, sha256 FROM media WHERE id = ANY ($1)',
    [uploads.map(({ id }) => id)],
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return uploads.flatMap(({ id, sha256 }) => {
    const row = byId.get(id);
    if (!row) return [`I1: the accepted upload ${id} has no row`];
    if (row.sha256 !== sha256) return [`I1: upload ${id} has sha256 ${row.sha256} instead of ${sha256}`];
    const found = files.get(objectKey(row.owner_id, sha256));
    return found === sha256
      ? []
      : [`I1: the file of upload ${id} holds ${found ?? 'nothing'} instead of ${sha256}`];
  });
}

async function lostJobs(database: DataSource, ledgers: readonly Ledger[]): Promise<string[]> {
  const ids = ledgers.flatMap((ledger) => ledger.jobs);
  const rows = await database.query<{ id: string }[]>('SELECT id FROM job WHERE id = ANY ($1)', [ids]);
  const found = new Set(rows.map(({ id }) => id));
  return ids.filter((id) => !found.has(id)).map((id) => `I2: the accepted job ${id} has no row`);
}

async function wrongOutputs(database: DataSource): Promise<string[]> {
  const rows = await database.query<
    { id: string; operation: string; status: string; report: unknown; outputs: string[]; done: number }[]
  >(
    `SELECT id, operation, status, report,
       ARRAY (SELECT m.variant || CASE WHEN o.sha256 IS NULL THEN ' without an object' ELSE '' END
              FROM media m LEFT JOIN object o USING (owner_id, sha256)
              WHERE m.job_id = job.id AND m.variant IS NOT NULL) AS outputs,
       (SELECT count(*)::int FROM job_event WHERE job_id = job.id AND reason = 'done') AS done
     FROM job`,
  );
  return rows.flatMap(({ id, operation, status, report, outputs, done }) => {
    const isCompleted = status === 'completed';
    const expected = isCompleted && MAKERS.has(operation) ? variantsOf(operation, report) : [];
    const isRight = expected.sort().join() === outputs.sort().join();
    const found = `${outputs.length} outputs (${outputs.join()}) instead of ${expected.length} (${expected.join()})`;
    return [
      ...(isRight ? [] : [`I3: job ${id} (${operation}) is ${status} and has ${found}`]),
      ...(done === Number(isCompleted) ? [] : [`I3: job ${id} is ${status} and was completed ${done} times`]),
    ];
  });
}

const variantsOf = (operation: string, report: unknown): string[] =>
  SEVERAL[operation]?.(report) ?? ['output'];

async function orphans(database: DataSource, files: Map<string, string>): Promise<string[]> {
  const objects = await database.query<{ key: string; is_named: boolean }[]>(
    `SELECT owner_id || '/' || left(sha256, 2) || '/' || sha256 AS key,
       EXISTS (SELECT FROM media m WHERE m.owner_id = o.owner_id AND m.sha256 = o.sha256) OR
       EXISTS (SELECT FROM batch b WHERE b.owner_id = o.owner_id AND b.csv_sha256 = o.sha256) AS is_named
     FROM object o`,
  );
  const rows = new Set(objects.map(({ key }) => key));
  return [
    ...objects.filter(({ is_named }) => !is_named).map(({ key }) => `I3: nothing names the object ${key}`),
    ...objects.filter(({ key }) => !files.has(key)).map(({ key }) => `I3: the object ${key} has no file`),
    ...[...files.keys()].filter((key) => !rows.has(key)).map((key) => `I3: the file ${key} has no row`),
    ...[...files]
      .filter(([key, sha256]) => !key.endsWith(sha256))
      .map(([key, sha256]) => `I3: the file ${key} holds ${sha256}`),
  ];
}

/** What is still left when the workers had the time to clean up after crashed ones. */
async function lastingLeftovers(dataDir: string): Promise<string[]> {
  const isClean = async (): Promise<boolean> => (await leftovers(dataDir)).length === 0;
  await until('the work folders to be cleaned', isClean, CLEANED_WITHIN_MS).catch(() => undefined);
  return leftovers(dataDir);
}

/** Work folders and staged files, and engines that nobody waits for. */
export async function leftovers(dataDir: string): Promise<string[]> {
  const work = await readdir(join(dataDir, 'work'), { recursive: true });
  const staged = await readdir(join(dataDir, 'objects/.staging'));
  return [
    ...work.map((name) => `I5: work/${name} is left`),
    ...staged.map((name) => `I5: .staging/${name} is left`),
    ...engines(dataDir).map(({ pid, command }) => `I5: process ${pid} is left: ${command}`),
  ];
}

/** Key -> SHA-256 of what the file really holds. */
async function readFiles(dataDir: string): Promise<Map<string, string>> {
  const root = join(dataDir, 'objects');
  const files = new Map<string, string>();
  for await (const { key } of new LocalStorage(root).list()) {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(join(root, key))) hash.update(chunk as Buffer);
    files.set(key, hash.digest('hex'));
  }
  return files;
}
