import { createHash, randomBytes } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { SNIFF_BYTES } from '@mediakiln/contracts';
import type { Storage } from './storage';

export const NO_LIMIT = { maxBytes: Number.MAX_SAFE_INTEGER };
export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** How bytes come in; a part of the contract of storages. */
export function describeStaging(given: () => { storage: Storage; folder: string }): void {
  describe('staging', () => {
    let storage: Storage;
    let folder: string;
    beforeAll(() => {
      ({ storage, folder } = given());
    });

    it('counts and hashes a stream and keeps its first bytes', async () => {
      const bytes = randomBytes(3_000_001);
      const chunks = [bytes.subarray(0, 7), bytes.subarray(7, 2_000_000), bytes.subarray(2_000_000)];
      const staged = await storage.stage(Readable.from(chunks), NO_LIMIT);
      expect(staged).toMatchObject({ bytes: bytes.length, sha256: sha256(bytes) });
      expect(staged.head.equals(bytes.subarray(0, SNIFF_BYTES))).toBe(true);
      expect((await readFile(staged.path)).equals(bytes)).toBe(true);
      await storage.discard(staged);
    });

    it('shows the head once, however it is cut into chunks', async () => {
      const bytes = randomBytes(SNIFF_BYTES + 10);
      const heads: Buffer[] = [];
      const byteByByte = Readable.from([...bytes].map((byte) => Buffer.from([byte])));
      const staged = await storage.stage(byteByByte, { ...NO_LIMIT, onHead: (head) => heads.push(head) });
      expect(heads.map((head) => head.toString('hex'))).toEqual([bytes.toString('hex', 0, SNIFF_BYTES)]);
      await storage.discard(staged);
    });

    it('shows the head of a file that is shorter than it', async () => {
      const heads: number[] = [];
      const onHead = (head: Buffer): void => void heads.push(head.length);
      const short = await storage.stage(Readable.from([Buffer.from('ab')]), { ...NO_LIMIT, onHead });
      const empty = await storage.stage(Readable.from([]), { ...NO_LIMIT, onHead });
      expect(heads).toEqual([2, 0]);
      expect(empty).toMatchObject({ bytes: 0, sha256: sha256(Buffer.alloc(0)) });
      await storage.discard(short);
      await storage.discard(empty);
    });

    it('stops as soon as more bytes arrive than are allowed, and names the limit', async () => {
      let sent = 0;
      const endless = new Readable({
        highWaterMark: 1000,
        read() {
          sent += 1000;
          this.push(Buffer.alloc(1000));
        },
      });
      await expect(storage.stage(endless, { maxBytes: 4500 })).rejects.toMatchObject({
        code: 'body_too_large',
        detail: 'The file may have 4500 bytes at most, and at least 5000 arrived',
      });
      expect(endless.destroyed).toBe(true);
      expect(sent).toBeLessThan(10_000);
    });

    it('takes a file of exactly the limit', async () => {
      const staged = await storage.stage(Readable.from([Buffer.alloc(4500)]), { maxBytes: 4500 });
      expect(staged.bytes).toBe(4500);
      await storage.discard(staged);
    });

    it('ends at once when the head is refused', async () => {
      const source = Readable.from(
        (function* () {
          for (;;) yield Buffer.alloc(1 << 16);
        })(),
      );
      const refuse = (): void => {
        throw new Error('not this');
      };
      await expect(storage.stage(source, { ...NO_LIMIT, onHead: refuse })).rejects.toThrow('not this');
      expect(source.destroyed).toBe(true);
    });

    it('throws what the source failed with', async () => {
      const source = new Readable({ read() {} });
      source.push('first');
      setImmediate(() => source.destroy(new Error('the client went away')));
      await expect(storage.stage(source, NO_LIMIT)).rejects.toThrow('the client went away');
    });

    it('stops when it is told to while nothing arrives', async () => {
      const source = new Readable({ read() {} });
      const abort = new AbortController();
      setImmediate(() => abort.abort());
      await expect(storage.stage(source, { ...NO_LIMIT, signal: abort.signal })).rejects.toThrow('aborted');
      expect(source.destroyed).toBe(true);
    });

    it('takes a local file over', async () => {
      const bytes = randomBytes(1_500_000);
      const path = join(folder, 'made-by-an-engine');
      await writeFile(path, bytes);
      const staged = await storage.stageFile(path);
      expect(staged).toMatchObject({ bytes: bytes.length, sha256: sha256(bytes) });
      expect(staged.head.equals(bytes.subarray(0, SNIFF_BYTES))).toBe(true);
      expect(await readdir(folder)).toEqual([]);
      await storage.discard(staged);
    });

    it('discards twice without complaint', async () => {
      const staged = await storage.stage(Readable.from(['x'].map((text) => Buffer.from(text))), NO_LIMIT);
      await storage.discard(staged);
      await storage.discard(staged);
    });

    it('sweeps only what is old', async () => {
      const staged = await storage.stage(Readable.from([Buffer.from('left behind')]), NO_LIMIT);
      expect(await storage.sweepStaging(60_000)).toBe(0);
      expect((await readFile(staged.path)).toString()).toBe('left behind');
      expect(await storage.sweepStaging(-1)).toBe(1);
    });
  });
}
