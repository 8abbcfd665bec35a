/**
 * Takes one safety line after the other out of a copy of the sources, and looks whether the test that guards it turns
 * red. A test that stays green guards nothing. `npm run break-safety [-- <part of a name>]`; takes some 20 minutes.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';

const ROOT = resolve(__dirname, '..');
const NOT_COPIED = ['node_modules', 'dist', 'data', 'tmp', 'coverage', '.git'];

interface Edit {
  file: string;
  from: string;
  to: string;
}

interface Mutation {
  /** What is missing then. */
  name: string;
  edits: Edit[];
  /** The test that has to notice. */
  guard: { file: string; test: string };
}

const ZOMBIE = 'test/chaos/zombie.spec.ts';
const KILLS = 'test/chaos/kills.spec.ts';

const MUTATIONS: Mutation[] = [
  {
    name: 'the epoch guard of completing, failing and canceling',
    edits: [
      {
        file: 'libs/jobs/src/settle.sql.ts',
        from: 'AND ($5::int IS NULL OR epoch = $5)',
        to: 'AND ($5::int IS NULL OR true)',
      },
    ],
    guard: {
      file: ZOMBIE,
      test: 'refuses the completion of a frozen worker while another one is still at work on the job',
    },
  },
  {
    name: 'the epoch guard of giving back',
    edits: [
      {
        file: 'libs/jobs/src/move.sql.ts',
        from: "WHERE id = $1 AND epoch = $2 AND status = 'processing'",
        to: "WHERE id = $1 AND $2::int IS NOT NULL AND status = 'processing'",
      },
    ],
    guard: {
      file: ZOMBIE,
      test: 'does not let a frozen worker give back the job that another one has by then',
    },
  },
  {
    name: 'outputs first: the job is settled before its bytes are put',
    edits: [
      {
        file: 'libs/jobs/src/job.attempt.ts',
        from: `await this.patiently(() => this.outputs.put(job, staged));
          return await this.settle(job, staged, result);`,
        to: `const { objects } = this.outputs as any;
          for (const file of staged.files)
            await objects.dataSource.query('INSERT INTO object (owner_id, sha256, bytes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [job.owner_id, file.sha256, file.bytes]);
          const settled = await this.settle(job, staged, result);
          await this.patiently(() => this.outputs.put(job, staged));
          return settled;`,
      },
    ],
    guard: {
      file: ZOMBIE,
      test: 'keeps an output before its row says so, and frees a job whose worker froze in the very transaction',
    },
  },
  {
    name: 'the rename: bytes are written under their final name',
    edits: [
      {
        file: 'libs/storage/src/local.storage.ts',
        from: 'await addName(staged.path, target, this.stagingPath());',
        to: `await (await import('node:fs/promises')).copyFile(staged.path, target);`,
      },
    ],
    guard: {
      file: KILLS,
      test: 'never shows a part of a file, however the upload ends',
    },
  },
  {
    name: 'the limit of sessions that sit in a transaction',
    edits: [
      {
        file: 'libs/entities/src/data-source.ts',
        from: 'leaseSeconds * 1_000;',
        to: 'leaseSeconds * 0;',
      },
    ],
    guard: {
      file: ZOMBIE,
      test: 'keeps an output before its row says so, and frees a job whose worker froze in the very transaction',
    },
  },
  {
    name: 'the patience of the sweeper after a database outage',
    edits: [
      {
        file: 'libs/jobs/src/duties/lapsed-leases.duty.ts',
        from: 'if (databaseSeenMs < this.config.leaseSeconds * 1_000) return 0;',
        to: '',
      },
    ],
    guard: {
      file: 'test/chaos/outages.spec.ts',
      test: 'answers 503 with Retry-After, recovers by itself, and keeps healthy work where it runs',
    },
  },
  {
    name: 'the webhook delivery in the statement that ends its job: it is written after it',
    edits: [
      {
        file: 'libs/jobs/src/settle.sql.ts',
        from: `delivery AS (\${insertDeliveries('moved', 'job', "moved.purpose = 'request'", ENDS_REQUEST)})`,
        to: 'delivery AS (SELECT WHERE false)',
      },
      {
        file: 'libs/jobs/src/job.store.ts',
        from: 'this.count(settled.job);',
        to: `this.count(settled.job);
    const { insertDeliveries } = await import('./deliveries.sql');
    const insertion = insertDeliveries('job', 'job', "job.purpose = 'request' AND job.id = '" + settled.job.id + "'");
    await (tx ?? this.database.manager).query(insertion);`,
      },
    ],
    guard: {
      file: KILLS,
      test: 'tells of a job once, although its worker is killed in the moment between the end and the telling',
    },
  },
  {
    name: 'the one webhook-id of all calls that a delivery takes',
    edits: [
      {
        file: 'apps/gateway/src/webhooks/delivery.sender.ts',
        from: 'signedHeaders({ id, at, body }, secrets)',
        to: 'signedHeaders({ id: crypto.randomUUID(), at, body }, secrets)',
      },
    ],
    guard: {
      file: KILLS,
      test: 'repeats what a gateway did not live to record, in the same words and under the same id',
    },
  },
  {
    name: "the death of an engine with its master's",
    edits: [
      {
        file: 'apps/video-processor/src/ffmpeg/sandbox.ts',
        from: "? ['setpriv', '--pdeathsig', 'KILL', '--no-new-privs'] : []",
        to: "? ['setpriv', '--no-new-privs'] : []",
      },
    ],
    guard: {
      file: 'test/chaos/embedded.spec.ts',
      test: 'loses nothing when all of it is killed, and goes on at once when it starts again',
    },
  },
];

type Seen = 'passed' | 'failed' | 'did not run';

async function main(): Promise<void> {
  const asked = process.argv[2] ?? '';
  const chosen = MUTATIONS.filter(({ name }) => name.includes(asked));
  const rows: { missing: string; test: string; before: Seen; without: Seen }[] = [];
  const whole = copyTree();
  try {
    for (const mutation of chosen) {
      const { file, test } = mutation.guard;
      const before = await runTest(whole, mutation);
      const broken = copyTree();
      try {
        for (const edit of mutation.edits) apply(edit, broken);
        const without = await runTest(broken, mutation);
        rows.push({ missing: mutation.name, test: `${file}: ${test}`, before, without });
        const verdict = isGuarded(before, without) ? 'seen red' : 'NOT GUARDED';
        console.log(`${verdict}  ${mutation.name} (with it: ${before}, without: ${without})`);
      } finally {
        rmSync(broken, { recursive: true, force: true });
      }
    }
  } finally {
    rmSync(whole, { recursive: true, force: true });
  }
  console.table(rows);
  process.exitCode = rows.every(({ before, without }) => isGuarded(before, without)) ? 0 : 1;
}

const isGuarded = (before: Seen, without: Seen): boolean => before === 'passed' && without === 'failed';

function copyTree(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mediakiln-broken-'));
  cpSync(ROOT, folder, {
    recursive: true,
    filter: (path) => !NOT_COPIED.includes(relative(ROOT, path).split('/')[0]!),
  });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** @throws Error when the line is not there exactly once: then the mutation, not the code, is out of date. */
function apply({ file, from, to }: Edit, folder: string): void {
  const path = join(folder, file);
  const parts = readFileSync(path, 'utf8').split(from);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${from}`);
  writeFileSync(path, parts.join(to));
}

async function runTest(folder: string, { guard }: Mutation): Promise<Seen> {
  const report = join(folder, 'report.json');
  rmSync(report, { force: true });
  const pattern = guard.test.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const jest = join(ROOT, 'node_modules/jest/bin/jest.js');
  const args = [jest, guard.file, '-t', pattern, '--json', `--outputFile=${report}`, '--maxWorkers=1'];
  await new Promise<void>((done, fail) => {
    spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' })
      .once('error', fail)
      .once('exit', () => done());
  });
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    testResults: { assertionResults: { title: string; status: string }[] }[];
  };
  const result = testResults.flatMap(({ assertionResults }) => assertionResults);
  const status = result.find(({ title }) => title === guard.test)?.status;
  return status === 'passed' || status === 'failed' ? status : 'did not run';
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
