import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppConfig } from '@mediakiln/config';
import { Upload } from '@mediakiln/entities';
import { PartialFiles } from '@mediakiln/storage';
import { join } from 'node:path';
import { MediaFixture } from '../../../test/support/media';
import { UploadStore } from './upload.store';
import { UploadSweep } from './upload.sweep';
import { UploadTurns } from './upload.turn';

const QUOTA = 1_000;

let fixture: MediaFixture;
let files: PartialFiles;
let turns: UploadTurns;
let owner: string;

beforeAll(async () => {
  fixture = await MediaFixture.open();
  files = new PartialFiles(join(fixture.folder, 'objects'));
  await files.prepare();
  turns = new UploadTurns(fixture.database.dataSource);
});
afterAll(() => fixture.close());
beforeEach(async () => {
  owner = await fixture.user();
});

function storeWith(values: Partial<AppConfig> = {}): UploadStore {
  const config = new AppConfig({ jwtSecret: 'x'.repeat(32), ...values });
  return new UploadStore(fixture.database.dataSource, config);
}

const plan = (reserved_bytes: number, more: object = {}) =>
  ({
    owner_id: owner,
    protocol: 'tus',
    name: 'a.mp4',
    length: reserved_bytes,
    reserved_bytes,
    ...more,
  }) as const;

const rowOf = (id: string): Promise<Upload | null> =>
  fixture.database.dataSource.manager.findOneBy(Upload, { id });

const lapse = (id: string): Promise<unknown> =>
  fixture.database.dataSource.query(`UPDATE upload SET locked_until = now() - interval '1 s' WHERE id = $1`, [
    id,
  ]);

describe('a quota', () => {
  it('is reserved with the row, and given back with it', async () => {
    const store = storeWith({ maxOwnerBytes: QUOTA });
    const first = await store.create(plan(600));
    await expect(store.create(plan(401))).rejects.toMatchObject({
      code: 'quota_exceeded',
      detail: 'This account may keep 1000 bytes; it has or expects 600, and 401 more were asked for',
    });
    await store.create(plan(400));
    await store.remove(owner, first!.id);
    await store.create(plan(600));
  });

  it('counts the bytes that the owner has, and not those of others', async () => {
    const store = storeWith({ maxOwnerBytes: QUOTA });
    await fixture.upload(owner, Buffer.alloc(700, 'a'));
    await fixture.upload(await fixture.user(), Buffer.alloc(900, 'b'));
    await expect(store.create(plan(301))).rejects.toMatchObject({ code: 'quota_exceeded' });
    await store.create(plan(300));
  });

  it('is not overdrawn by many who ask at once', async () => {
    const store = storeWith({ maxOwnerBytes: QUOTA });
    const asked = await Promise.allSettled(Array.from({ length: 12 }, () => store.create(plan(300))));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  });

  it('of the account goes before that of the installation, and without either there is none', async () => {
    await fixture.database.dataSource.query('UPDATE "user" SET quota_bytes = 10 WHERE id = $1', [owner]);
    await expect(storeWith({ maxOwnerBytes: QUOTA }).create(plan(11))).rejects.toMatchObject({
      code: 'quota_exceeded',
    });
    owner = await fixture.user();
    await storeWith().create(plan(1e15));
  });

  it('gives an unknown length all that is left, and grows with an upload that does', async () => {
    const store = storeWith({ maxOwnerBytes: QUOTA });
    const grown = await store.create(plan(0, { length: null }));
    await fixture.transaction((tx) => store.reserve(tx, grown!, 900));
    const body = { protocol: 'multipart', holder: randomUUID() };
    expect(await store.createWithinQuota(plan(0, body), 5_000)).toMatchObject({ reserved_bytes: 100 });
    await expect(store.createWithinQuota(plan(0), 5_000)).rejects.toMatchObject({
      code: 'quota_exceeded',
    });
    expect(await storeWith().createWithinQuota(plan(0), 5_000)).toBeNull();
  });

  it('is not held by a multipart body whose gateway died', async () => {
    const store = storeWith({ maxOwnerBytes: QUOTA });
    const dead = await store.create(plan(900, { protocol: 'multipart', holder: randomUUID() }));
    await expect(store.create(plan(200))).rejects.toMatchObject({ code: 'quota_exceeded' });
    await lapse(dead!.id);
    await store.create(plan(200));
    expect(await rowOf(dead!.id)).toBeNull();
  });
});

describe('a turn', () => {
  it('is had by one, and passes on when it ends or lapses', async () => {
    const upload = await storeWith().create(plan(10));
    const first = await turns.take(upload!.id, 0);
    await expect(turns.take(upload!.id, 0)).rejects.toMatchObject({ code: 'upload_locked' });
    await first.end();
    const second = await turns.take(upload!.id, 0);
    await lapse(upload!.id);
    const third = await turns.take(upload!.id, 0);
    await expect(second.during(() => Promise.resolve())).rejects.toMatchObject({ code: 'upload_locked' });
    expect(second.signal.aborted).toBe(true);
    // What the overtaken one does in the end is no business of the other's.
    await second.end();
    await expect(turns.take(upload!.id, 0)).rejects.toMatchObject({ code: 'upload_locked' });
    await third.end();
  });

  it('is waited for', async () => {
    const upload = await storeWith().create(plan(10));
    const first = await turns.take(upload!.id, 0);
    const waiting = turns.take(upload!.id, 20_000);
    await sleep(300);
    await first.end();
    await (await waiting).end();
  });

  it('that lapsed goes on when nobody took it', async () => {
    const upload = await storeWith().create(plan(10));
    const turn = await turns.take(upload!.id, 0);
    await lapse(upload!.id);
    await turn.during(() => Promise.resolve());
    await expect(turns.take(upload!.id, 0)).rejects.toMatchObject({ code: 'upload_locked' });
    await turn.end();
  });

  it('is the condition for acknowledging bytes and for the end', async () => {
    const store = storeWith();
    const upload = (await store.create(plan(10)))!;
    const turn = await turns.take(upload.id, 0);
    await store.advance(turn, 4);
    expect(await store.find(owner, upload.id)).toMatchObject({ offset: 4, finished_at: null });
    const stranger = { id: upload.id, holder: randomUUID() };
    await expect(store.advance(stranger, 9)).rejects.toMatchObject({ code: 'upload_locked' });
    const mediaId = randomUUID();
    await fixture.transaction((tx) => store.finish(tx, turn, mediaId));
    expect(await rowOf(upload.id)).toMatchObject({ offset: 10, media_id: mediaId, reserved_bytes: 0 });
    await expect(fixture.transaction((tx) => store.finish(tx, turn, mediaId))).rejects.toMatchObject({
      code: 'upload_locked',
    });
    await turn.end();
  });
});

it('ends the parts with their whole, each once', async () => {
  const store = storeWith();
  const parts = await Promise.all([1, 2].map(() => store.create(plan(5, { concat: 'partial' }))));
  const part_ids = parts.map((part) => part!.id);
  const begin = async (): Promise<Upload> => {
    const whole = await store.create(plan(10, { concat: 'final', part_ids, holder: randomUUID() }));
    return whole!;
  };
  const [first, second] = [await begin(), await begin()];
  const finish = (whole: Upload): Promise<void> =>
    fixture.transaction((tx) =>
      store.finish(tx, { id: whole.id, holder: whole.locked_by! }, randomUUID(), whole.part_ids),
    );
  await finish(first);
  await expect(finish(second)).rejects.toMatchObject({ code: 'upload_conflict' });
  expect(await store.findWholeOf(owner, part_ids)).toMatchObject({ id: first.id });
  expect(await store.findWholeOf(owner, [...part_ids].reverse())).toBeNull();
  expect(await rowOf(part_ids[0]!)).toMatchObject({
    reserved_bytes: 0,
    media_id: expect.any(String) as unknown,
  });
});

it('knows the sets of one owner by the name that the client gave them', async () => {
  const store = storeWith();
  const named = { file_id: '../../etc/passwd', protocol: 'chunks', total_chunks: 3 };
  const first = await store.create(plan(0, named));
  expect(await store.create(plan(0, named))).toBeNull();
  expect(await store.findByFileId(owner, named.file_id)).toMatchObject({ id: first!.id, total_chunks: 3 });
  owner = await fixture.user();
  expect(await store.findByFileId(owner, named.file_id)).toBeNull();
  expect(await store.create(plan(0, named))).not.toBeNull();
  expect(await store.find(owner, first!.id)).toBeNull();
  await expect(store.findLive(owner, first!.id)).rejects.toMatchObject({ code: 'not_found' });
  await expect(store.findLive(owner, 'no id')).rejects.toMatchObject({ code: 'not_found' });
});

describe('the sweep', () => {
  const sweep = (): Promise<number> => fixture.transaction((tx) => new UploadSweep(files).sweep(tx));
  const put = (name: string): Promise<unknown> =>
    files.append(name, 0, Readable.from([Buffer.from('x')]), { maxBytes: 1 });
  const expire = (id: string): Promise<unknown> =>
    fixture.database.dataSource.query('UPDATE upload SET expires_at = now() WHERE id = $1', [id]);

  it('removes what expired, with its bytes, and leaves alone what goes on', async () => {
    const store = storeWith();
    const [kept, expired, written] = (await Promise.all([1, 2, 3].map(() => store.create(plan(10))))) as [
      Upload,
      Upload,
      Upload,
    ];
    for (const { id } of [kept, expired, written]) await put(id);
    await put(`${expired.id}.7`);
    const turn = await turns.take(written.id, 0);
    for (const { id } of [expired, written]) await expire(id);
    await expect(store.findLive(owner, expired.id)).rejects.toMatchObject({ code: 'upload_expired' });
    expect(await store.findLive(owner, kept.id)).toMatchObject({ id: kept.id });
    await sweep();
    const left = new Set(await files.list());
    const names = [kept.id, expired.id, `${expired.id}.7`, written.id];
    expect(names.map((name) => left.has(name))).toEqual([true, false, false, true]);
    expect([await rowOf(kept.id), await rowOf(expired.id), await rowOf(written.id)]).toEqual([
      expect.anything(),
      null,
      expect.anything(),
    ]);
    await turn.end();
    await sweep();
    expect(await rowOf(written.id)).toBeNull();
    expect(await files.list()).not.toContain(written.id);
  });

  it('removes bytes without a row, and those of uploads that have become media', async () => {
    const store = storeWith();
    const upload = (await store.create(plan(1)))!;
    const orphan = randomUUID();
    await put(orphan);
    await put(upload.id);
    const turn = await turns.take(upload.id, 0);
    await fixture.transaction((tx) => store.finish(tx, turn, randomUUID()));
    await turn.end();
    await sweep();
    for (const name of [orphan, upload.id]) expect(await files.list()).not.toContain(name);
    expect(await rowOf(upload.id)).not.toBeNull();
  });
});
