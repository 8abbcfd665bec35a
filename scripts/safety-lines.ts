/** Each safety line, how it is taken out, and the test that has to notice. */

export interface Edit {
  file: string;
  from: string;
  to: string;
}

export interface Mutation {
  /** What is missing then. */
  name: string;
  edits: Edit[];
  /** The test that has to notice. */
  guard: { file: string; test: string };
}

const ZOMBIE = 'test/chaos/zombie.spec.ts';
const KILLS = 'test/chaos/kills.spec.ts';

export const MUTATIONS: Mutation[] = [
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
