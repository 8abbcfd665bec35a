import { mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { diskError } from './disk-error';
import { LocalStorage } from './local.storage';
import { describeStorage } from './storage.contract';

async function makeLocal(): Promise<{ storage: LocalStorage; root: string; staging: string }> {
  const root = await mkdtemp(join(tmpdir(), 'local-storage-'));
  const storage = new LocalStorage(root);
  await storage.prepare();
  return { storage, root, staging: join(root, '.staging') };
}

describe('LocalStorage', () => {
  describeStorage(async () => {
    const { storage, root, staging } = await makeLocal();
    return {
      storage,
      stagedCount: async () => (await readdir(staging)).length,
      close: () => rm(root, { recursive: true }),
    };
  });

  describe('on its own disk', () => {
    let local: Awaited<ReturnType<typeof makeLocal>>;
    beforeEach(async () => {
      local = await makeLocal();
    });
    afterEach(() => rm(local.root, { recursive: true }));

    it('shares one file between the object and what an engine reads, and lets nobody write to it', async () => {
      const staged = await local.storage.stage(Readable.from([Buffer.from('x')]), { maxBytes: 10 });
      await local.storage.put('owner/aa/key', staged);
      await local.storage.discard(staged);
      const work = join(local.root, '.work');
      await mkdir(work);
      const path = await local.storage.materialize('owner/aa/key', work, 'in');
      const [object, input] = await Promise.all([stat(join(local.root, 'owner/aa/key')), stat(path)]);
      expect(input.ino).toBe(object.ino);
      expect(object.mode & 0o222).toBe(0);
    });

    it('lists only objects, whatever else lies in the folder', async () => {
      const staged = await local.storage.stage(Readable.from([Buffer.from('x')]), { maxBytes: 10 });
      await writeFile(join(local.root, 'lost+found.txt'), '');
      await local.storage.put('owner/aa/key', staged);
      const keys = [];
      for await (const { key } of local.storage.list()) keys.push(key);
      expect(keys).toEqual(['owner/aa/key']);
    });

    it('takes over no link that an engine may have left instead of a file', async () => {
      const secret = join(local.root, 'secret');
      await writeFile(secret, 'secret');
      await symlink(secret, join(local.root, 'output'));
      await expect(local.storage.stageFile(join(local.root, 'output'))).rejects.toMatchObject({
        code: 'storage_unavailable',
      });
      expect(await readFile(secret, 'utf8')).toBe('secret');
      expect(await readdir(local.staging)).toEqual([]);
    });

    it('says that it is unavailable when its folder is gone, without telling where that was', async () => {
      await rm(local.staging, { recursive: true });
      const refused = local.storage.stage(Readable.from([Buffer.from('x')]), { maxBytes: 10 });
      await expect(refused).rejects.toMatchObject({ code: 'storage_unavailable' });
      await expect(refused).rejects.toThrow(expect.not.stringContaining(local.root));
      await expect(local.storage.check()).rejects.toMatchObject({ code: 'storage_unavailable' });
      await mkdir(local.staging);
    });
  });

  it.each([
    ['ENOSPC', 'storage_full', 507],
    ['EDQUOT', 'storage_full', 507],
    ['EIO', 'storage_unavailable', 503],
    ['EMFILE', 'storage_unavailable', 503],
  ])('answers %s with %s', (code, expected, status) => {
    const error = diskError(Object.assign(new Error(`${code}: /secret/path`), { code }));
    expect(error).toMatchObject({ code: expected, status });
    expect(error.detail).not.toContain('/secret/path');
  });
});
