import { Injectable } from '@nestjs/common';
import { type SweepDuty, SweepingDuty } from '@mediakiln/entities';
import { PartialFiles } from '@mediakiln/storage';
import type { EntityManager } from 'typeorm';

const BATCH = 500;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

/** A multipart body has no life of its own: without its lock, its gateway is gone. */
const REMOVE = `
DELETE FROM upload WHERE id IN (
  SELECT id FROM upload
  WHERE (expires_at < now() OR (protocol = 'multipart' AND locked_until < now() - interval '1 minute'))
    AND (locked_until IS NULL OR locked_until < now())
  LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`;

const UNFINISHED = 'SELECT id FROM upload WHERE id = ANY($1::uuid[]) AND finished_at IS NULL';

/** Removes uploads that nobody went on with, finished ones after a while, and all bytes of uploads that are no more. */
@Injectable()
@SweepingDuty()
export class UploadSweep implements SweepDuty {
  readonly name = 'expired_uploads';
  readonly everyMs = 60_000;

  constructor(private readonly files: PartialFiles) {}

  async sweep(tx: EntityManager): Promise<number> {
    const [, removed] = await tx.query<[unknown, number]>(REMOVE);
    return removed + (await this.removeFiles(tx));
  }

  /** A row is committed before its first file is made: a file without one has outlived it. */
  private async removeFiles(tx: EntityManager): Promise<number> {
    const names = (await this.files.list()).filter((name) => ID.test(name));
    if (names.length === 0) return 0;
    const ids = [...new Set(names.map(idOf))];
    const rows = await tx.query<{ id: string }[]>(UNFINISHED, [ids]);
    const wanted = new Set(rows.map(({ id }) => id));
    const orphans = names.filter((name) => !wanted.has(idOf(name)));
    await this.files.remove(...orphans);
    return orphans.length;
  }
}

const idOf = (name: string): string => ID.exec(name)![0];
