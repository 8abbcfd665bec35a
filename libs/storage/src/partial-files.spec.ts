import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { SNIFF_BYTES } from '@mediakiln/contracts';
import { LocalStorage } from './local.storage';
import { PartialFiles } from './partial-files';
import { objectKey } from './storage';

const NO_LIMIT = { maxBytes: Number.MAX_SAFE_INTEGER };

let root: string;
let storage: LocalStorage;
let files: PartialFiles;
let name: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'partial-files-'));
  storage = new LocalStorage(root);
  files = new PartialFiles(root);
  await storage.prepare();
  await files.prepare();
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(() => {
  name = randomUUID();
});

const from = (...chunks: (Buffer | string)[]): Readable =>
  Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
const bytesOf = (of = name): Promise<Buffer> => readFile(join(root, '.uploads', of));

describe('appending', () => {
  it('goes on where it is told to', async () => {
    expect(await files.append(name, 0, from('one ', 'two '), NO_LIMIT)).toEqual({ bytes: 8 });
    expect(await files.append(name, 8, from('three'), NO_LIMIT)).toEqual({ bytes: 5 });
    expect(String(await bytesOf())).toBe('one two three');
    expect(await files.size(name)).toBe(13);
  });

  it('writes over what was never acknowledged', async () => {
    await files.append(name, 0, from('acknowledged, and then rubbish'), NO_LIMIT);
    await files.append(name, 12, from(' and sent again'), NO_LIMIT);
    expect(String(await bytesOf()).slice(0, 27)).toBe('acknowledged and sent again');
  });

  it('gives back the memory of chunks that are its own, and of no others', async () => {
    const [own, shared] = [randomBytes(70_000), randomBytes(70_000)];
    const bytes = Buffer.concat([own, shared]);
    await files.append(name, 0, Readable.from([own]), { ...NO_LIMIT, ownsChunks: true });
    await files.append(name, 70_000, Readable.from([shared]), NO_LIMIT);
    expect((await bytesOf()).equals(bytes)).toBe(true);
    expect([own.length, shared.length]).toEqual([0, 70_000]);
  });

  it('keeps what had arrived when the source breaks off', async () => {
    const bytes = randomBytes(2_500_000);
    const source = new Readable({ read() {} });
    for (let at = 0; at < bytes.length; at += 70_000) source.push(bytes.subarray(at, at + 70_000));
    const appending = files.append(name, 0, source, {
      ...NO_LIMIT,
      onBytes: () => source.readableLength === 0 && source.destroy(new Error('the client went away')),
    });
    const { bytes: kept, failure } = await appending;
    expect(failure).toMatchObject({ message: 'the client went away' });
    expect(kept).toBe(bytes.length);
    expect((await bytesOf()).equals(bytes)).toBe(true);
  });

  it('stops at the limit, and does not destroy the source', async () => {
    const source = new Readable({ read() {} });
    source.push(Buffer.alloc(2_000_000, 'a'));
    source.push(Buffer.alloc(10));
    const { failure } = await files.append(name, 0, source, { maxBytes: 2_000_005 });
    expect(failure).toMatchObject({
      code: 'body_too_large',
      detail: 'The body may have 2000005 bytes, and more arrived',
    });
    expect(source.destroyed).toBe(false);
  });

  it('writes nothing from the moment that it may not', async () => {
    let asked = 0;
    const { bytes, failure } = await files.append(name, 0, from(randomBytes(1 << 20), randomBytes(1 << 20)), {
      ...NO_LIMIT,
      mayWrite: () => {
        if (++asked > 1) throw new Error('somebody else writes now');
      },
    });
    expect([bytes, String(failure)]).toEqual([1 << 20, 'Error: somebody else writes now']);
    expect(await files.size(name)).toBe(1 << 20);
  });

  it('ends when it is aborted while nothing arrives', async () => {
    const source = new Readable({ read() {} });
    source.push('first');
    const abort = new AbortController();
    const { bytes, failure } = await files.append(name, 0, source, {
      ...NO_LIMIT,
      signal: abort.signal,
      // Only behind what has arrived, however long a busy disk takes to open the file.
      onBytes: () => void setImmediate(() => abort.abort()),
    });
    expect([bytes, (failure as Error).name]).toEqual([5, 'AbortError']);
  });

  it('says now and then how much of a long one is durable', async () => {
    const told: number[] = [];
    const chunk = randomBytes(1 << 20);
    const source = Readable.from(Array.from({ length: 70 }, () => chunk));
    await files.append(name, 0, source, { ...NO_LIMIT, onDurable: async (bytes) => void told.push(bytes) });
    expect(told).toEqual([32 << 20, 64 << 20]);
  });

  it('refuses to leave a hole', async () => {
    await files.append(name, 0, from('short'), NO_LIMIT);
    await expect(files.append(name, 6, from('x'), NO_LIMIT)).rejects.toMatchObject({
      code: 'storage_unavailable',
    });
  });

  it.each(['../x', '/etc/passwd', 'a', `${randomUUID()}/1`, `${randomUUID()}.`, ''])(
    'refuses %j as a name',
    async (bad) => {
      await expect(files.append(bad, 0, from('x'), NO_LIMIT)).rejects.toThrow('not the name');
      await expect(files.remove(bad)).rejects.toThrow('not the name');
    },
  );
});

describe('a whole file', () => {
  it('is taken hashed, for a put, without what lies behind it; and stays until it is removed', async () => {
    const bytes = randomBytes(3_000_001);
    await files.append(name, 0, from(bytes, 'rubbish'), NO_LIMIT);
    const staged = await files.take({ name, bytes: bytes.length });
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(staged).toMatchObject({ bytes: bytes.length, sha256 });
    expect(staged.head.equals(bytes.subarray(0, SNIFF_BYTES))).toBe(true);
    const key = objectKey(randomUUID(), sha256);
    await storage.put(key, staged);
    await storage.discard(staged);
    expect((await files.take({ name, bytes: bytes.length })).sha256).toBe(sha256);
    await files.remove(name);
    expect(await files.list()).not.toContain(name);
    expect((await buffer(await storage.open(key))).equals(bytes)).toBe(true);
    expect(await storage.sweepStaging(-1)).toBe(1);
  });

  it('is not taken when bytes are missing, and nothing is left in staging', async () => {
    await files.append(name, 0, from('four'), NO_LIMIT);
    await expect(files.take({ name, bytes: 5 })).rejects.toMatchObject({ code: 'storage_unavailable' });
    await expect(files.take({ name: randomUUID(), bytes: 5 })).rejects.toMatchObject({
      code: 'storage_unavailable',
    });
    expect(await readdir(join(root, '.staging'))).toEqual([]);
  });

  it('is made of several, each without what lies behind it', async () => {
    await files.append(`${name}.1`, 0, from('first|rubbish'), NO_LIMIT);
    await files.putAside(`${name}.2`, await storage.stage(from('second'), NO_LIMIT));
    await files.append(`${name}.3`, 0, from(''), NO_LIMIT);
    const parts = [
      { name: `${name}.2`, bytes: 6 },
      { name: `${name}.3`, bytes: 0 },
      { name: `${name}.1`, bytes: 5 },
    ];
    const staged = await storage.stage(files.read(parts), NO_LIMIT);
    expect(String(await readFile(staged.path))).toBe('secondfirst');
    await storage.discard(staged);
    await expect(
      storage.stage(files.read([{ name: `${name}.1`, bytes: 50 }]), NO_LIMIT),
    ).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect((await files.list()).filter((one) => one.startsWith(name)).sort()).toEqual(
      [1, 2, 3].map((number) => `${name}.${number}`),
    );
    await files.remove(...parts.map((part) => part.name), randomUUID());
    expect(await files.size(`${name}.1`)).toBe(0);
  });
});

it('lists only what it made, and knows how much room there is', async () => {
  await writeFile(join(root, '.uploads', 'notes.txt'), 'of somebody else');
  expect(await files.list()).not.toContain('notes.txt');
  expect(await files.freeBytes()).toBeGreaterThan(0);
});

it('is nothing that a listing of the objects shows', async () => {
  await files.append(name, 0, from('on its way'), NO_LIMIT);
  for await (const { key } of storage.list()) expect(key).not.toContain(name);
});
