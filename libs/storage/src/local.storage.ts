import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, open, readdir, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { AppError } from '@mediakiln/contracts';
import { errorCode, onDisk } from './disk-error';
import {
  addName,
  closing,
  linkOrCopy,
  makeFolder,
  moveFile,
  prepareFolder,
  removeFile,
  syncFolder,
  walk,
  writeAll,
} from './durable-files';
import { FileChunks } from './file-chunks';
import { receive } from './receive';
import { type ByteRange, type StageOptions, type StagedFile, Storage, type StoredBytes } from './storage';

const READ_BYTES = 1 << 20;
/** Objects never change: an engine that gets a hard link to one must not be able to write to it. */
const READ_ONLY = 0o440;
const KEY = /^[A-Za-z0-9_-]{1,128}(\/[A-Za-z0-9_-]{1,128})*$/;
/** Its leading dot keeps the folder out of every possible key. */
export const STAGING = '.staging';

/** Bytes below one folder of this machine, or of a volume that all processes mount. */
export class LocalStorage extends Storage {
  private readonly root: string;
  private readonly staging: string;

  constructor(root: string) {
    super();
    this.root = resolve(root);
    // On the same file system as the objects, else a rename could not be atomic.
    this.staging = join(this.root, STAGING);
  }

  /** Makes the folders; called once, before anything else. */
  async prepare(): Promise<void> {
    await onDisk(() => prepareFolder(this.staging));
  }

  async stage(source: Readable, options: StageOptions): Promise<StagedFile> {
    const path = this.stagingPath();
    // It may fail while the file is being opened and nobody reads yet; reading then throws what it failed with.
    source.on('error', () => undefined);
    return this.orNothing(path, async () => {
      const file = await onDisk(() => open(path, 'wx', READ_ONLY));
      return closing(file, async () => {
        const facts = await receive(source, options, (chunks) => onDisk(() => writeAll(file, chunks)));
        // Before it can become visible: a name that survives a power cut must not point at zeros.
        await onDisk(() => file.datasync());
        return { path, ...facts };
      });
    }).finally(() => source.destroy());
  }

  async stageFile(origin: string): Promise<StagedFile> {
    const path = this.stagingPath();
    return onDisk(() =>
      this.orNothing(path, async () => {
        await moveFile(origin, path);
        const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
        return closing(file, async () => {
          await file.chmod(READ_ONLY);
          const source = file.createReadStream({ highWaterMark: READ_BYTES, autoClose: false });
          const facts = await receive(source, { maxBytes: Number.MAX_SAFE_INTEGER }, async () => {});
          await file.datasync();
          return { path, ...facts };
        });
      }),
    );
  }

  async discard(staged: StagedFile): Promise<void> {
    await onDisk(() => removeFile(staged.path));
  }

  async put(key: string, staged: StagedFile): Promise<void> {
    const target = this.pathOf(key);
    await onDisk(async () => {
      const changed = await makeFolder(dirname(target));
      // A second name, so that the staged file stays usable: a put can be repeated.
      await addName(staged.path, target, this.stagingPath());
      // At the same time: a journal takes all of them in one go.
      await Promise.all([dirname(target), ...changed].map(syncFolder));
    });
  }

  async stat(key: string): Promise<{ bytes: number } | null> {
    const path = this.pathOf(key);
    return onDisk(async () => {
      try {
        return { bytes: (await stat(path)).size };
      } catch (error) {
        if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return null;
        throw error;
      }
    });
  }

  async open(key: string, range?: ByteRange): Promise<StoredBytes> {
    const path = this.pathOf(key);
    const file = await onDisk(() => presentOnly(() => open(path, 'r')));
    return new FileChunks(file, range);
  }

  async materialize(key: string, dir: string, name: string): Promise<string> {
    const path = join(dir, name);
    const origin = this.pathOf(key);
    await onDisk(async () => {
      await presentOnly(() => stat(origin));
      await linkOrCopy(origin, path);
      await chmod(path, READ_ONLY);
    });
    return path;
  }

  async delete(key: string): Promise<void> {
    const path = this.pathOf(key);
    await onDisk(() => removeFile(path));
  }

  async *list(prefix = ''): AsyncIterable<{ key: string; bytes: number }> {
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    if (folder !== '') this.pathOf(folder.slice(0, -1));
    for await (const key of walk(this.root, folder)) {
      if (!key.startsWith(prefix) || !KEY.test(key)) continue;
      const found = await this.stat(key);
      if (found) yield { key, bytes: found.bytes };
    }
  }

  async sweepStaging(olderThanMs: number): Promise<number> {
    let swept = 0;
    for (const name of await onDisk(() => readdir(this.staging))) {
      const path = join(this.staging, name);
      const found = await stat(path).catch(() => null);
      // ctime and not mtime: a file that was moved in keeps the time of its last write.
      if (!found || found.ctimeMs > Date.now() - olderThanMs) continue;
      await onDisk(() => rm(path, { force: true }));
      swept += 1;
    }
    return swept;
  }

  async check(): Promise<void> {
    const path = this.stagingPath();
    await onDisk(async () => {
      const { bavail, bsize } = await statfs(this.root);
      if (bavail * bsize < READ_BYTES) throw new AppError('storage_full');
      try {
        const file = await open(path, 'wx');
        await closing(file, () => file.write('check'));
      } finally {
        await rm(path, { force: true });
      }
    });
  }

  private async orNothing<T>(path: string, fill: () => Promise<T>): Promise<T> {
    try {
      return await fill();
    } catch (error) {
      await onDisk(() => rm(path, { force: true }));
      throw error;
    }
  }

  private stagingPath(): string {
    return join(this.staging, randomUUID());
  }

  /** @throws Error for whatever could lead out of the root; no user's text ever becomes a key. */
  private pathOf(key: string): string {
    if (!KEY.test(key)) throw new Error(`not a storage key: ${JSON.stringify(key)}`);
    return join(this.root, key);
  }
}

async function presentOnly<T>(access: () => Promise<T>): Promise<T> {
  try {
    return await access();
  } catch (error) {
    throw errorCode(error) === 'ENOENT'
      ? new AppError('not_found', 'The bytes of this file are gone', { cause: error })
      : error;
  }
}
