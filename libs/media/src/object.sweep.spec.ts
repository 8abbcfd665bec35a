import { Batch, type Media } from '@mediakiln/entities';
import { objectKey } from '@mediakiln/storage';
import type { EntityManager, QueryRunner } from 'typeorm';
import { MediaFixture } from '../../../test/support/media';
import { isObjectGone } from './object.store';

describe('the sweep of objects', () => {
  let fixture: MediaFixture;
  let owner: string;

  beforeAll(async () => {
    fixture = await MediaFixture.open();
  });
  afterAll(() => fixture.close());
  beforeEach(async () => {
    owner = await fixture.user();
  });

  /** A transaction that the test ends when it wants to. */
  async function open(): Promise<QueryRunner> {
    const runner = fixture.database.dataSource.createQueryRunner();
    await runner.connect();
    await runner.startTransaction();
    return runner;
  }

  async function commit(runner: QueryRunner): Promise<void> {
    await runner.commitTransaction();
    await runner.release();
  }

  async function backendPid(runner: QueryRunner): Promise<number> {
    const rows = (await runner.query('SELECT pg_backend_pid() AS pid')) as { pid: number }[];
    return rows[0]!.pid;
  }

  async function untilItWaitsForALock(pid: number): Promise<void> {
    for (;;) {
      const rows = await fixture.database.dataSource.query<unknown[]>(
        `SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'`,
        [pid],
      );
      if (rows.length > 0) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  it('deletes bytes and row of an object that never got a media, after the grace time only', async () => {
    const staged = await fixture.stage('put and forgotten');
    await fixture.objects.put(owner, staged);
    await fixture.files.discard(staged);

    await fixture.sweepObjects();
    expect(await fixture.keys(owner)).toHaveLength(1);

    await fixture.age();
    await fixture.sweepObjects();
    expect(await fixture.keys(owner)).toEqual([]);
    expect(await fixture.objectRows(owner)).toBe(0);
  });

  it('never touches an object that has a media, however old', async () => {
    const media = await fixture.upload(owner, 'in use');
    await fixture.age();
    await fixture.sweepObjects();
    expect(await fixture.contentOf(media)).toBe('in use');
  });

  it('never touches a list that a batch names, until the batch is gone', async () => {
    const staged = await fixture.stage('Input Image Urls');
    await fixture.objects.put(owner, staged);
    await fixture.files.discard(staged);
    const { manager } = fixture.database.dataSource;
    await manager.query(
      `INSERT INTO batch (id, owner_id, operation, name, csv_sha256, csv_format, rows_total, images_total)
       VALUES (gen_random_uuid(), $1, 'image.compress', 'list.csv', $2, '{}', 1, 1)`,
      [owner, staged.sha256],
    );
    await fixture.age();
    await fixture.sweepObjects();
    expect(await fixture.keys(owner)).toHaveLength(1);
    await manager.delete(Batch, { owner_id: owner });
    await fixture.sweepObjects();
    expect(await fixture.keys(owner)).toEqual([]);
  });

  it('deletes the bytes of a deleted media with the next sweep', async () => {
    const media = await fixture.upload(owner, 'deleted soon');
    expect(await fixture.media.delete(owner, media.id)).toBe(true);
    expect(await fixture.sweepObjects()).toBe(1);
    expect(await fixture.keys(owner)).toEqual([]);
  });

  it('keeps the bytes while another media of the owner has them', async () => {
    const first = await fixture.upload(owner, 'twice');
    const second = await fixture.upload(owner, 'twice');
    await fixture.media.delete(owner, first.id);
    await fixture.age();
    await fixture.sweepObjects();
    expect(await fixture.contentOf(second)).toBe('twice');
    await fixture.media.delete(owner, second.id);
    await fixture.sweepObjects();
    expect(await fixture.keys(owner)).toEqual([]);
  });

  it('leaves the bytes to an upload that found them present while their only media was deleted', async () => {
    const first = await fixture.upload(owner, 'wanted again');
    const staged = await fixture.stage('wanted again');
    await fixture.objects.put(owner, staged);
    await fixture.media.delete(owner, first.id);
    await fixture.sweepObjects();

    const second = await fixture.transaction((tx) => fixture.insert(tx, owner, staged));
    await fixture.files.discard(staged);
    expect(await fixture.contentOf(second)).toBe('wanted again');
  });

  it('tells an upload whose object was swept before its insert to put again', async () => {
    const staged = await fixture.stage('slow client');
    await fixture.objects.put(owner, staged);
    await fixture.age();
    await fixture.sweepObjects();

    const insert = (): Promise<Media> => fixture.transaction((tx) => fixture.insert(tx, owner, staged));
    const refused = await insert().catch((error: unknown) => error);
    expect(isObjectGone(refused)).toBe(true);
    await fixture.objects.put(owner, staged);
    const media = await insert();
    await fixture.files.discard(staged);
    expect(await fixture.contentOf(media)).toBe('slow client');
  });

  it('passes over an object whose media is being inserted', async () => {
    const staged = await fixture.stage('settling');
    await fixture.objects.put(owner, staged);
    await fixture.age();
    const settle = await open();
    const media = await fixture.insert(settle.manager, owner, staged);

    expect(await fixture.sweepObjects()).toBe(0);
    await commit(settle);
    await fixture.files.discard(staged);
    expect(await fixture.contentOf(media)).toBe('settling');
    await fixture.sweepObjects();
    expect(await fixture.contentOf(media)).toBe('settling');
  });

  it('sees a media that was committed after its search and before its lock', async () => {
    const staged = await fixture.stage('just in time');
    await fixture.objects.put(owner, staged);
    await fixture.age();
    let media: Media | undefined;
    const afterSearch = async (): Promise<void> => {
      media = await fixture.transaction((tx) => fixture.insert(tx, owner, staged));
    };

    const released = await fixture.transaction((tx) =>
      fixture.objectSweep.sweep(afterFirstQuery(tx, afterSearch)),
    );
    await fixture.files.discard(staged);
    expect(released).toBe(0);
    expect(await fixture.contentOf(media!)).toBe('just in time');
  });

  it('makes a settling that comes while it deletes wait, and then put again', async () => {
    const staged = await fixture.stage('too late');
    await fixture.objects.put(owner, staged);
    await fixture.age();
    const sweep = await open();
    expect(await fixture.objectSweep.sweep(sweep.manager)).toBe(1);

    const settle = await open();
    const pid = await backendPid(settle);
    const inserted = fixture.insert(settle.manager, owner, staged).catch((error: unknown) => error);
    await untilItWaitsForALock(pid);
    await commit(sweep);
    expect(isObjectGone(await inserted)).toBe(true);
    await settle.rollbackTransaction();
    await settle.release();

    await fixture.objects.put(owner, staged);
    const media = await fixture.transaction((tx) => fixture.insert(tx, owner, staged));
    await fixture.files.discard(staged);
    expect(await fixture.contentOf(media)).toBe('too late');
  });

  it('makes a put that comes while it deletes wait, and write the bytes anew', async () => {
    const staged = await fixture.stage('put meanwhile');
    await fixture.objects.put(owner, staged);
    await fixture.age();
    const sweep = await open();
    expect(await fixture.objectSweep.sweep(sweep.manager)).toBe(1);
    expect(await fixture.keys(owner)).toEqual([]);

    const put = fixture.objects.put(owner, staged);
    await commit(sweep);
    await put;
    await fixture.files.discard(staged);
    expect(await fixture.keys(owner)).toEqual([objectKey(owner, staged.sha256)]);
    expect(await fixture.objectRows(owner)).toBe(1);
  });

  it('loses nothing when its transaction fails after the bytes are gone', async () => {
    const staged = await fixture.stage('half swept');
    await fixture.objects.put(owner, staged);
    await fixture.age();
    const sweep = await open();
    await fixture.objectSweep.sweep(sweep.manager);
    await sweep.rollbackTransaction();
    await sweep.release();

    await fixture.objects.put(owner, staged);
    const media = await fixture.transaction((tx) => fixture.insert(tx, owner, staged));
    await fixture.files.discard(staged);
    expect(await fixture.contentOf(media)).toBe('half swept');
  });
});

/** The same entity manager, but `step` runs between its first query and what follows. */
function afterFirstQuery(tx: EntityManager, step: () => Promise<void>): EntityManager {
  let isFirst = true;
  const query = async (sql: string, parameters?: unknown[]): Promise<unknown> => {
    const rows: unknown = await tx.query(sql, parameters);
    if (isFirst) {
      isFirst = false;
      await step();
    }
    return rows;
  };
  return new Proxy(tx, {
    get: (target, property) => (property === 'query' ? query : (Reflect.get(target, property) as unknown)),
  });
}
