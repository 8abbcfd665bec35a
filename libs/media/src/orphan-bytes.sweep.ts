import { Injectable } from '@nestjs/common';
import { type SweepDuty, SweepingDuty } from '@mediakiln/entities';
import { Storage, objectKey } from '@mediakiln/storage';
import type { EntityManager } from 'typeorm';

const KEY = /^([0-9a-f-]{36})\/[0-9a-f]{2}\/([0-9a-f]{64})$/;
/** Keys that one sweep looks at: a large store is walked over many sweeps. */
const BATCH = 2_000;

/**
 * Finds bytes without a row, such as a write that outlasted its grace time leaves, or a restored database. They are
 * given a row that is released at once, so that deleting them is under the same lock as any other deletion.
 */
@Injectable()
@SweepingDuty()
export class OrphanBytesSweep implements SweepDuty {
  readonly name = 'adopt_orphan_bytes';
  readonly everyMs = 60_000;
  private walk?: AsyncIterator<{ key: string; bytes: number }>;

  constructor(private readonly storage: Storage) {}

  async sweep(tx: EntityManager): Promise<number> {
    const found = (await this.nextKeys()).flatMap(({ key, bytes }) => {
      const [, ownerId, sha256] = KEY.exec(key) ?? [];
      return ownerId && sha256 && key === objectKey(ownerId, sha256) ? [{ ownerId, sha256, bytes }] : [];
    });
    const adopted = await tx.query<unknown[]>(
      `INSERT INTO object (owner_id, sha256, bytes, touched_at)
       SELECT found.owner_id, sha256, bytes, to_timestamp(0)
       FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS found (owner_id, sha256, bytes)
       JOIN "user" u ON u.id = found.owner_id
       ON CONFLICT DO NOTHING RETURNING 1`,
      [found.map((f) => f.ownerId), found.map((f) => f.sha256), found.map((f) => f.bytes)],
    );
    return adopted.length;
  }

  /** Goes on where the last sweep stopped, and from the start again after the end. */
  private async nextKeys(): Promise<{ key: string; bytes: number }[]> {
    const walk = (this.walk ??= this.storage.list()[Symbol.asyncIterator]());
    const keys: { key: string; bytes: number }[] = [];
    while (keys.length < BATCH) {
      const next = await walk.next();
      if (next.done) {
        this.walk = undefined;
        break;
      }
      keys.push(next.value);
    }
    return keys;
  }
}
