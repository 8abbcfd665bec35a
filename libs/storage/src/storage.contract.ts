import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { NO_LIMIT, describeStaging, sha256 } from './staging.contract';
import { type StagedFile, type Storage, objectKey } from './storage';

export interface StorageUnderTest {
  storage: Storage;
  /** How many staged files there are on this machine. */
  stagedCount(): Promise<number>;
  close(): Promise<void>;
}

/** What every driver of the port must do; a driver's spec calls it. */
export function describeStorage(make: () => Promise<StorageUnderTest>): void {
  let tested: StorageUnderTest;
  let storage: Storage;
  let folder: string;
  const owner = randomUUID();

  beforeAll(async () => {
    tested = await make();
    storage = tested.storage;
    folder = await mkdtemp(join(tmpdir(), 'storage-contract-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
    await tested.close();
  });
  afterEach(async () => expect(await tested.stagedCount()).toBe(0));

  async function stored(bytes: Buffer): Promise<string> {
    const staged = await storage.stage(Readable.from([bytes]), NO_LIMIT);
    const key = objectKey(owner, staged.sha256);
    await storage.put(key, staged);
    await storage.discard(staged);
    return key;
  }

  async function keys(prefix?: string): Promise<string[]> {
    const found: string[] = [];
    for await (const { key } of storage.list(prefix)) found.push(key);
    return found.sort();
  }

  describeStaging(() => ({ storage, folder }));

  describe('objects', () => {
    it('gives back whole what was put', async () => {
      const bytes = randomBytes(2_500_000);
      const key = await stored(bytes);
      expect(await storage.stat(key)).toEqual({ bytes: bytes.length });
      expect((await buffer(await storage.open(key))).equals(bytes)).toBe(true);
    });

    it.each([
      [0, 0],
      [5, 9],
      [1_048_570, 1_048_590],
      [2_499_999, 2_499_999],
    ])('reads bytes %i to %i', async (start, end) => {
      const bytes = Buffer.alloc(2_500_000, 'ranges of a known text, ');
      const key = await stored(bytes);
      const part = await buffer(await storage.open(key, { start, end }));
      expect(part.equals(bytes.subarray(start, end + 1))).toBe(true);
    });

    it('can put one staged file again, and after a delete too', async () => {
      const bytes = randomBytes(1000);
      const staged = await storage.stage(Readable.from([bytes]), NO_LIMIT);
      const key = objectKey(owner, staged.sha256);
      await storage.put(key, staged);
      await storage.put(key, staged);
      await storage.delete(key);
      expect(await storage.stat(key)).toBeNull();
      await storage.put(key, staged);
      await storage.discard(staged);
      expect((await buffer(await storage.open(key))).equals(bytes)).toBe(true);
    });

    it('is not disturbed by two puts of one key at a time', async () => {
      const bytes = randomBytes(300_000);
      const stage = (): Promise<StagedFile> => storage.stage(Readable.from([bytes]), NO_LIMIT);
      const [first, second] = await Promise.all([stage(), stage()]);
      const key = objectKey(owner, first.sha256);
      await Promise.all([first, second, first].map((staged) => storage.put(key, staged)));
      await Promise.all([first, second].map((staged) => storage.discard(staged)));
      expect((await buffer(await storage.open(key))).equals(bytes)).toBe(true);
    });

    it('leaves a present key as it is', async () => {
      const key = await stored(Buffer.from('first'));
      const other = await storage.stage(Readable.from([Buffer.from('second')]), NO_LIMIT);
      await storage.put(key, other);
      await storage.discard(other);
      expect((await buffer(await storage.open(key))).toString()).toBe('first');
    });

    it('goes on reading a file that is deleted meanwhile', async () => {
      const bytes = randomBytes(3_000_000);
      const key = await stored(bytes);
      const reading = await storage.open(key);
      await storage.delete(key);
      expect((await buffer(reading)).equals(bytes)).toBe(true);
    });

    it('brings an object to a folder, where its deletion does not reach', async () => {
      const key = await stored(Buffer.from('for an engine'));
      const path = await storage.materialize(key, folder, 'in.bin');
      await storage.delete(key);
      expect(path).toBe(join(folder, 'in.bin'));
      expect((await readFile(path)).toString()).toBe('for an engine');
      await rm(path);
    });

    it('says of an absent key that it is absent', async () => {
      const key = objectKey(owner, sha256(Buffer.from('never stored')));
      expect(await storage.stat(key)).toBeNull();
      await expect(storage.open(key)).rejects.toMatchObject({ code: 'not_found' });
      await expect(storage.materialize(key, folder, 'x')).rejects.toMatchObject({ code: 'not_found' });
      await expect(storage.delete(key)).resolves.toBeUndefined();
    });

    it('lists what is there, by prefix', async () => {
      const mine = objectKey(randomUUID(), sha256(Buffer.from('mine')));
      const theirs = objectKey(randomUUID(), sha256(Buffer.from('theirs')));
      const staged = await storage.stage(Readable.from([Buffer.from('seven b')]), NO_LIMIT);
      await storage.put(mine, staged);
      await storage.put(theirs, staged);
      await storage.discard(staged);
      expect(await keys()).toEqual(expect.arrayContaining([mine, theirs]));
      expect(await keys(mine.slice(0, 36))).toEqual([mine]);
      expect(await keys(mine.slice(0, 45))).toEqual([mine]);
      expect(await keys(`${randomUUID()}/`)).toEqual([]);
    });

    it.each(['../outside', '/etc/passwd', 'a//b', 'a/./b', 'a/../../b', '', 'a\0b', '.staging/x', 'a/'])(
      'refuses %j as a key',
      async (key) => {
        await expect(storage.stat(key)).rejects.toThrow('not a storage key');
        await expect(storage.open(key)).rejects.toThrow('not a storage key');
        await expect(storage.delete(key)).rejects.toThrow('not a storage key');
        await expect(storage.materialize(key, folder, 'x')).rejects.toThrow('not a storage key');
      },
    );

    it('passes its own check', async () => {
      await expect(storage.check()).resolves.toBeUndefined();
    });
  });
}
