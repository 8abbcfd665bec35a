import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { birthOf } from '../process-facts';
import { FolderLock } from './lock';

describe('the lock of a data folder', () => {
  let folder: string;
  const write = (content: string) => writeFileSync(join(folder, 'mediakiln.lock'), content);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mediakiln-lock-'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('keeps a second process out, in one line that names the first', () => {
    const lock = FolderLock.take(folder);
    expect(() => FolderLock.take(folder)).toThrow(
      `another Mediakiln uses this data folder (process ${process.pid}) (${folder}): stop it first`,
    );
    lock.release();
    FolderLock.take(folder).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['of a process that is gone', JSON.stringify({ pid: 2 ** 22 + 1, birth: 'x' })],
    ['whose process id another process has by now', JSON.stringify({ pid: process.ppid, birth: 'x' })],
    ['that was cut off while it was written', '{"pid":'],
    ['that is empty', ''],
  ])('takes over a lock %s', (_, content) => {
    write(content);
    FolderLock.take(folder).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('respects a living holder other than itself', () => {
    write(JSON.stringify({ pid: process.ppid, birth: birthOf(process.ppid) }));
    expect(() => FolderLock.take(folder)).toThrow(`(process ${process.ppid})`);
    expect(readdirSync(folder)).toEqual(['mediakiln.lock']);
  });
});
