import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, rename, rm, stat, statfs, truncate } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { type AppendOptions, type Appended, appendTo, lost } from './append';
import { errorCode, onDisk } from './disk-error';
import { closing, linkOrCopy, prepareFolder, syncFolder } from './durable-files';
import { receive } from './receive';
import { STAGING } from './local.storage';
import type { StagedFile } from './storage';

const READ_BYTES = 1 << 20;
const READ_ONLY = 0o440;
/** We make them: the id of an upload, and of its numbered parts the number. */
const NAME = /^[0-9a-f-]{36}(\.[0-9]{1,9})?$/;
const FOLDER = '.uploads';

/** The first `bytes` bytes of a partial file. */
export interface Part {
  name: string;
  bytes: number;
}

/**
 * Bytes of uploads on their way, beside the objects on the same file system. How many of a file count is known by who
 * acknowledged them: what lies behind that is nobody's, and the next append writes over it.
 */
export class PartialFiles {
  private readonly root: string;
  private readonly folder: string;

  constructor(root: string) {
    this.root = resolve(root);
    this.folder = join(this.root, FOLDER);
  }

  /** Makes the folder; called once, before anything else. */
  async prepare(): Promise<void> {
    await onDisk(() => prepareFolder(this.folder));
  }

  /**
   * Writes the source from `offset` on; the file is made when it is not there. The source is not destroyed: who gave it
   * may drain it.
   * @returns also when the source breaks off or the disk is full: `bytes` are on the disk for good then, too.
   */
  async append(name: string, offset: number, source: Readable, options: AppendOptions): Promise<Appended> {
    return appendTo(this.pathOf(name), offset, source, options);
  }

  async size(name: string): Promise<number> {
    const path = this.pathOf(name);
    return onDisk(async () => {
      try {
        return (await stat(path)).size;
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return 0;
        throw error;
      }
    });
  }

  /**
   * The first `bytes` of a file, hashed, as a staged file of its own, for `ObjectStore.put`. The partial file stays until
   * `remove`: until the media's row is there nothing else would have the bytes after a crash. Nobody may append from here on.
   */
  async take({ name, bytes }: Part): Promise<StagedFile> {
    const origin = this.pathOf(name);
    const path = join(this.root, STAGING, randomUUID());
    return onDisk(async () => {
      try {
        await linkOrCopy(origin, path);
        const { size } = await stat(path);
        if (size < bytes) throw lost(bytes, size);
        if (size > bytes) await truncate(path, bytes);
        const file = await open(path, 'r');
        return await closing(file, async () => {
          const source = file.createReadStream({ highWaterMark: READ_BYTES, autoClose: false });
          const facts = await receive(source, { maxBytes: bytes, ownsChunks: true }, async () => {});
          await file.chmod(READ_ONLY);
          await file.datasync();
          return { path, ...facts };
        });
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      }
    });
  }

  /** Puts a staged file aside under a name, durably; whatever lay there is replaced. The staged file is gone then. */
  async putAside(name: string, staged: StagedFile): Promise<void> {
    const path = this.pathOf(name);
    await onDisk(async () => {
      await rename(staged.path, path);
      await syncFolder(this.folder);
    });
  }

  /** Several in a row, as one stream: `Storage.stage` makes one file of them, and hashes it on the way. */
  read(parts: readonly Part[]): Readable {
    const files = parts.map(({ name, bytes }) => ({ path: this.pathOf(name), bytes }));
    return Readable.from(inARow(files), { objectMode: false, highWaterMark: READ_BYTES });
  }

  /** A missing one is no error. */
  async remove(...names: string[]): Promise<void> {
    const paths = names.map((name) => this.pathOf(name));
    await onDisk(() => Promise.all(paths.map((path) => rm(path, { force: true }))));
  }

  /** All that lie there, in no particular order. */
  async list(): Promise<string[]> {
    return (await onDisk(() => readdir(this.folder))).filter((name) => NAME.test(name));
  }

  /** Bytes that the file system still takes. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await onDisk(() => statfs(this.folder));
    return bavail * bsize;
  }

  private pathOf(name: string): string {
    if (!NAME.test(name)) throw new Error(`not the name of a partial file: ${JSON.stringify(name)}`);
    return join(this.folder, name);
  }
}

async function* inARow(files: readonly { path: string; bytes: number }[]): AsyncGenerator<Buffer> {
  for (const { path, bytes } of files) {
    if (bytes === 0) continue;
    let left = bytes;
    try {
      const chunks = createReadStream(path, { end: bytes - 1, highWaterMark: READ_BYTES });
      for await (const chunk of chunks as AsyncIterable<Buffer>) {
        left -= chunk.length;
        yield chunk;
      }
    } catch (error) {
      throw errorCode(error) === 'ENOENT' ? lost(bytes, 0) : error;
    }
    if (left > 0) throw lost(bytes, bytes - left);
  }
}
