import type { Media } from '@mediakiln/entities';
import { LocalStorage } from '@mediakiln/storage';
import type { EntityManager } from 'typeorm';
import { join } from 'node:path';
import { MediaFixture } from '../../../test/support/media';
import { until } from '../../../test/support/until';
import { ObjectSweep } from './object.sweep';

/** A disk on which a test does something behind each file that is deleted. */
class WatchedStorage extends LocalStorage {
  readonly deleted: string[] = [];

  constructor(
    root: string,
    private readonly afterDelete: (count: number) => Promise<void>,
  ) {
    super(root);
  }

  override async delete(key: string): Promise<void> {
    await super.delete(key);
    this.deleted.push(key);
    await this.afterDelete(this.deleted.length);
  }
}

const CONTENTS = ['one', 'two', 'three', 'four'];

let fixture: MediaFixture;
let owner: string;

beforeAll(async () => {
  fixture = await MediaFixture.open();
});
afterAll(() => fixture.close());
beforeEach(async () => {
  owner = await fixture.user();
  for (const content of CONTENTS)
    await fixture.media.delete(owner, (await fixture.upload(owner, content)).id);
});

async function backendPid(tx: EntityManager): Promise<number> {
  const [row] = await tx.query<[{ pid: number }]>('SELECT pg_backend_pid() AS pid');
  return row.pid;
}

/** As PostgreSQL does when it restarts, or when a transaction has been idle for a lease. */
async function endSession(pid: number): Promise<void> {
  const { dataSource } = fixture.database;
  await dataSource.query('SELECT pg_terminate_backend($1)', [pid]);
  await until('the session to be gone', async () => {
    const rows = await dataSource.query<unknown[]>('SELECT FROM pg_stat_activity WHERE pid = $1', [pid]);
    return rows.length === 0;
  });
}

it('deletes nothing more once its session is gone, and so no bytes that were put again meanwhile', async () => {
  const again: Media[] = [];
  let pid = 0;
  const storage = new WatchedStorage(join(fixture.folder, 'objects'), async (count) => {
    if (count > 1) return;
    await endSession(pid);
    // Nothing is locked any more: each of these is acknowledged.
    for (const content of CONTENTS) again.push(await fixture.upload(owner, content));
  });

  const swept = fixture.transaction(async (tx) => {
    pid = await backendPid(tx);
    return new ObjectSweep(storage).sweep(tx);
  });
  await expect(swept).rejects.toThrow();
  expect(storage.deleted).toHaveLength(1);
  expect(await Promise.all(again.map((media) => fixture.contentOf(media)))).toEqual(CONTENTS);
});

it('takes longer than a session may sit idle, as long as no single file does', async () => {
  const storage = new WatchedStorage(
    join(fixture.folder, 'objects'),
    () => new Promise((resolve) => setTimeout(resolve, 1_000)),
  );
  const swept = fixture.transaction(async (tx) => {
    await tx.query(`SET LOCAL idle_in_transaction_session_timeout = '3s'`);
    return new ObjectSweep(storage).sweep(tx);
  });
  expect(await swept).toBe(CONTENTS.length);
  expect(await fixture.keys(owner)).toEqual([]);
});
