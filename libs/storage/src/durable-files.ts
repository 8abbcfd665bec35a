import { type FileHandle, copyFile, link, mkdir, open, opendir, rename, rm, unlink } from 'node:fs/promises';
import { constants } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from './disk-error';

/** What file systems without hard links, or a link across two of them, answer. */
const CANNOT_LINK = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** Gives the file a second name, or makes a durable copy where that cannot be. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!CANNOT_LINK.has(errorCode(error) ?? '')) throw error;
    await copyDurably(from, to);
  }
}

/**
 * Gives the file another name in one step: it is there whole or not at all. A file that has the name already stays.
 * @param temporary a free name in the same file system, for a copy where links cannot be made.
 */
export async function addName(from: string, to: string, temporary: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (code === 'EEXIST') return;
    if (!CANNOT_LINK.has(code)) throw error;
    try {
      await copyDurably(from, temporary);
      await rename(temporary, to);
    } finally {
      await rm(temporary, { force: true });
    }
  }
}

export async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (errorCode(error) !== 'EXDEV') throw error;
    await copyDurably(from, to);
    await rm(from);
  }
}

/** A missing one is no error. `rm` would look at it first: a system call more for each job. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** Makes the folder. @returns the folders that have to be synced for it to be there for good; none when it was there. */
export async function makeFolder(path: string): Promise<string[]> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return [];
  const changed: string[] = [];
  for (let made = path; made.length >= first.length; made = dirname(made)) changed.push(dirname(made));
  return changed;
}

/** Makes the folder so that it is there after a power cut, with whatever is synced in it. It may be there already. */
export async function prepareFolder(path: string): Promise<void> {
  const changed = await makeFolder(path);
  // The one around it in any case: whoever made ours may have crashed before this.
  for (const folder of new Set([dirname(path), ...changed])) await syncFolder(folder);
}

/** A rename is on disk only after its folder is. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await closing(folder, () => folder.sync());
}

export async function closing<T>(file: FileHandle, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } finally {
    await file.close();
  }
}

/** Files below `<root>/<folder>`, as paths relative to the root; names with a leading dot are left out. */
export async function* walk(root: string, folder: string): AsyncIterable<string> {
  let entries;
  try {
    entries = await opendir(join(root, folder));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  for await (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) yield* walk(root, `${folder}${entry.name}/`);
    else if (entry.isFile()) yield folder + entry.name;
  }
}

/** All of them, in their order, where the file's end is. */
export async function writeAll(file: FileHandle, chunks: Buffer[]): Promise<void> {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const { bytesWritten } = await file.writev(chunks);
  // A nearly full disk takes a part first, and says so only to the next write.
  if (bytesWritten < length) await file.appendFile(Buffer.concat(chunks).subarray(bytesWritten));
}

async function copyDurably(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  const file = await open(to, 'r');
  await closing(file, () => file.datasync());
}
