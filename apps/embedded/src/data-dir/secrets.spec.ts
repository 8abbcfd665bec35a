import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecretsFile } from './secrets';

describe('the kept secrets', () => {
  let dataDir: string;

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'mediakiln-secrets-'));
  });

  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  it('are made once, for their owner alone, and are the same at the next start', () => {
    const first = SecretsFile.open(dataDir);
    expect(first.all.jwt_secret.length).toBeGreaterThanOrEqual(64);
    expect(statSync(first.path).mode & 0o777).toBe(0o600);
    expect(SecretsFile.open(dataDir).all).toEqual(first.all);
    expect(readdirSync(dataDir)).toEqual(['secrets.json']);
  });

  it('differ from one data folder to the next', () => {
    const other = mkdtempSync(join(tmpdir(), 'mediakiln-secrets-'));
    try {
      expect(SecretsFile.open(other).all.jwt_secret).not.toBe(SecretsFile.open(dataDir).all.jwt_secret);
    } finally {
      rmSync(other, { recursive: true });
    }
  });

  it('keep what is learned later', () => {
    SecretsFile.open(dataDir).keep({ postgres_port: 23_456 });
    expect(SecretsFile.open(dataDir).all.postgres_port).toBe(23_456);
    expect(statSync(join(dataDir, 'secrets.json')).mode & 0o777).toBe(0o600);
  });

  it('are not replaced when they are damaged, and are not shown', () => {
    const path = join(dataDir, 'secrets.json');
    writeFileSync(path, '{"jwt_secret": "canary');
    expect(() => SecretsFile.open(dataDir)).toThrow(/^the kept secrets are damaged(?!.*canary)/);
    expect(readFileSync(path, 'utf8')).toBe('{"jwt_secret": "canary');
  });
});
