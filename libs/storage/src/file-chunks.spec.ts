import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { buffer } from 'node:stream/consumers';
import { FileChunks } from './file-chunks';

const BYTES = randomBytes((5 << 20) + 77);

let folder: string;
let path: string;
let file: FileHandle;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-chunks-'));
  path = join(folder, 'file');
  await writeFile(path, BYTES);
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  file = await open(path);
});

it.each([
  [0, 0],
  [0, BYTES.length - 1],
  [1, 1 << 20],
  [(1 << 20) - 1, 3 << 20],
  [5 << 20, BYTES.length - 1],
])('reads from %i to %i, both included', async (start, end) => {
  expect((await buffer(new FileChunks(file, { start, end }))).equals(BYTES.subarray(start, end + 1))).toBe(
    true,
  );
  await expect(file.stat()).rejects.toMatchObject({ code: 'EBADF' });
});

it('leaves every chunk alone that nobody gave back', async () => {
  const kept: Buffer[] = [];
  for await (const chunk of new FileChunks(file)) kept.push(chunk as Buffer);
  expect(Buffer.concat(kept).equals(BYTES)).toBe(true);
});

it('reads into the memory of what was given back', async () => {
  const chunks = new FileChunks(file);
  const memory = new Set<ArrayBufferLike>();
  const seen: Buffer[] = [];
  for await (const chunk of chunks as AsyncIterable<Buffer>) {
    if (chunk.length === 1 << 20) memory.add(chunk.buffer);
    seen.push(Buffer.from(chunk));
    chunks.reuse(chunk);
  }
  expect(Buffer.concat(seen).equals(BYTES)).toBe(true);
  expect(memory.size).toBeLessThan(4);
});

it('is not closed while it is being read', async () => {
  const { promise, arrive } = later();
  jest.spyOn(file, 'read').mockReturnValue(promise as never);
  const close = jest.spyOn(file, 'close');
  const chunks = new FileChunks(file);
  chunks.read(0);
  chunks.destroy();
  await sleep(10);
  expect(close).not.toHaveBeenCalled();
  arrive({ bytesRead: 0 });
  await once(chunks, 'close');
  expect(close).toHaveBeenCalledTimes(1);
});

function later(): { promise: Promise<unknown>; arrive: (value: unknown) => void } {
  let arrive: (value: unknown) => void = () => undefined;
  const promise = new Promise((resolve) => (arrive = resolve));
  return { promise, arrive };
}

it('fails as the disk does', async () => {
  await expect(buffer(new FileChunks(await open(folder)))).rejects.toMatchObject({
    code: 'storage_unavailable',
  });
});
