import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { placeCluster } from './place';

const isRoot = process.getuid?.() === 0;

describe('the place of the database', () => {
  let home: string;
  let dataDir: string;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'mediakiln-place-'));
    dataDir = join(home, 'data');
    mkdirSync(dataDir);
    chmodSync(home, 0o755);
    chmodSync(dataDir, 0o755);
  });

  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('is inside the data folder when the server can get there', () => {
    expect(placeCluster(dataDir, undefined)).toEqual({ folder: join(dataDir, 'postgres') });
  });

  it('is below /var/lib, by data folder, when root keeps its home to itself', () => {
    chmodSync(home, 0o700);
    const place = placeCluster(dataDir, undefined);
    const inside = join(dataDir, 'postgres');
    try {
      // A plain user's server runs as that user, for whom the home is no obstacle.
      expect(place.unreachable).toBe(isRoot ? inside : undefined);
      expect(place.folder).toMatch(isRoot ? /^\/var\/lib\/mediakiln\/[0-9a-f]{16}\/postgres$/ : inside);
      expect(placeCluster(dataDir, undefined)).toEqual(place);
    } finally {
      if (isRoot) rmSync(dirname(place.folder), { recursive: true });
    }
  });

  it('stays where the database was, wherever a new one would go', () => {
    const kept = join(home, 'elsewhere');
    mkdirSync(kept);
    writeFileSync(join(kept, 'PG_VERSION'), '18\n');
    expect(placeCluster(dataDir, kept)).toEqual({ folder: kept });
  });

  it('follows a data folder that was moved together with its database', () => {
    mkdirSync(join(dataDir, 'postgres'));
    writeFileSync(join(dataDir, 'postgres/PG_VERSION'), '18\n');
    expect(placeCluster(dataDir, '/where/it/was/postgres')).toEqual({ folder: join(dataDir, 'postgres') });
  });

  it('refuses to put an empty database in the place of one that is gone', () => {
    expect(() => placeCluster(dataDir, '/where/it/was/postgres')).toThrow(
      /is gone \(\/where\/it\/was\/postgres\): put it back/,
    );
  });
});
