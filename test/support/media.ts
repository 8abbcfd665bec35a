import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { LocalStorage, type StagedFile } from '@mediakiln/storage';
import type { Media } from '@mediakiln/entities';
import { MediaFiles, MediaStore, ObjectStore, ObjectSweep } from '@mediakiln/media';
import { Meter } from '@mediakiln/observability';
import type { EntityManager } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { type TestDatabase, createTestDatabase } from './database';

export const JPEG_START = Buffer.from([0xff, 0xd8, 0xff, 0xe0]);

/** A real database and a real disk, with everything that writes media wired to them. */
export class MediaFixture {
  readonly objects: ObjectStore;
  readonly media: MediaStore;
  readonly files: MediaFiles;
  readonly objectSweep: ObjectSweep;

  private constructor(
    readonly database: TestDatabase,
    readonly storage: LocalStorage,
    readonly folder: string,
  ) {
    this.objects = new ObjectStore(database.dataSource, storage);
    this.media = new MediaStore(database.dataSource);
    this.files = new MediaFiles(storage, new Meter());
    this.objectSweep = new ObjectSweep(storage);
  }

  static async open(): Promise<MediaFixture> {
    const folder = await mkdtemp(join(tmpdir(), 'media-'));
    const storage = new LocalStorage(join(folder, 'objects'));
    await storage.prepare();
    return new MediaFixture(await createTestDatabase(), storage, folder);
  }

  async close(): Promise<void> {
    await this.database.close();
    await rm(this.folder, { recursive: true });
  }

  transaction<T>(run: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.database.dataSource.transaction(run);
  }

  async user(): Promise<string> {
    const id = uuidv7();
    await this.database.dataSource.query(
      `INSERT INTO "user" (id, email, password_hash) VALUES ($1, $2, 'none')`,
      [id, `${id}@example.com`],
    );
    return id;
  }

  stage(content: string | Buffer): Promise<StagedFile> {
    return this.storage.stage(Readable.from([Buffer.from(content)]), { maxBytes: 1 << 30 });
  }

  /** The second half of an upload, after the put. */
  insert(tx: EntityManager, ownerId: string, staged: StagedFile): Promise<Media> {
    return this.media.insertUpload(tx, {
      id: uuidv7(),
      owner_id: ownerId,
      name: 'photo.jpg',
      sniffed: { kind: 'image', mime_type: 'image/jpeg', container: 'jpeg' },
      sha256: staged.sha256,
      bytes: staged.bytes,
      job_id: randomUUID(),
    });
  }

  /** A whole upload. */
  async upload(ownerId: string, content: string | Buffer): Promise<Media> {
    const staged = await this.stage(content);
    await this.objects.put(ownerId, staged);
    const media = await this.transaction((tx) => this.insert(tx, ownerId, staged));
    await this.files.discard(staged);
    return media;
  }

  async contentOf(media: Media): Promise<string> {
    return (await buffer(await this.files.open(media))).toString();
  }

  /** Makes every object look as if nobody had touched it for two hours. */
  async age(): Promise<void> {
    await this.database.dataSource.query(`UPDATE object SET touched_at = touched_at - interval '2 hours'`);
  }

  sweepObjects(): Promise<number> {
    return this.transaction((tx) => this.objectSweep.sweep(tx));
  }

  async keys(ownerId: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.storage.list(`${ownerId}/`)) keys.push(key);
    return keys;
  }

  async objectRows(ownerId: string): Promise<number> {
    const rows = await this.database.dataSource.query<unknown[]>('SELECT FROM object WHERE owner_id = $1', [
      ownerId,
    ]);
    return rows.length;
  }
}
