import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import type { StoredObject } from '@mediakiln/entities';
import { DataSource } from 'typeorm';
import { beyondQuota, hasQuota, refuseBeyond, roomOf } from './upload.quota';

type Sized = Pick<StoredObject, 'sha256' | 'bytes'>;

/** Of these objects, those that the owner does not have; equal ones once. */
const NEW = `
SELECT DISTINCT ON (sha256) sha256, bytes FROM unnest($2::text[], $3::bigint[]) AS given (sha256, bytes)
WHERE NOT EXISTS (SELECT FROM object o WHERE o.owner_id = $1 AND o.sha256 = given.sha256)
ORDER BY sha256`;

const FIND_NEW_BYTES = `SELECT coalesce(sum(bytes), 0) AS bytes FROM (${NEW}) AS new`;

const ENTER = `
INSERT INTO object (owner_id, sha256, bytes) SELECT $1, sha256, bytes FROM (${NEW}) AS new
ON CONFLICT DO NOTHING`;

/** What an owner may keep, for bytes that are here already and are not put yet. */
@Injectable()
export class OwnerQuota {
  constructor(
    private readonly dataSource: DataSource,
    private readonly config: AppConfig,
  ) {}

  /**
   * To be put next. What the owner has already needs no room; the rest counts from here on, since its rows are written
   * before anybody else may ask.
   * @throws AppError quota_exceeded when not all of it fits; nothing is written then
   */
  async admit(ownerId: string, objects: readonly Sized[]): Promise<void> {
    if (!(await hasQuota(this.dataSource.manager, ownerId, this.config.maxOwnerBytes))) return;
    await this.enter(ownerId, objects, 'expected');
  }

  /**
   * For the outputs of a job, which find room that is only reserved. Without MAX_OWNER_BYTES jobs ask nothing.
   * @throws AppError as `admit`
   */
  async admitOutputs(ownerId: string, objects: readonly Sized[]): Promise<void> {
    if (this.config.maxOwnerBytes !== undefined && objects.length > 0)
      await this.enter(ownerId, objects, 'kept');
  }

  /** Before work is taken on, whose outputs nobody can measure yet. Likewise. @throws AppError quota_exceeded */
  async refuseFull(ownerId: string): Promise<void> {
    const { maxOwnerBytes } = this.config;
    if (maxOwnerBytes === undefined) return;
    const room = await this.dataSource.transaction((tx) => roomOf(tx, ownerId, maxOwnerBytes, 'kept'));
    if (room && room.used >= room.limit) throw beyondQuota(room, 'nothing is left');
  }

  private async enter(
    ownerId: string,
    objects: readonly Sized[],
    counting: 'expected' | 'kept',
  ): Promise<void> {
    const given = [ownerId, objects.map(({ sha256 }) => sha256), objects.map(({ bytes }) => bytes)];
    await this.dataSource.transaction(async (tx) => {
      const room = await roomOf(tx, ownerId, this.config.maxOwnerBytes, counting);
      const [{ bytes }] = await tx.query<[{ bytes: string }]>(FIND_NEW_BYTES, given);
      if (Number(bytes) === 0) return;
      refuseBeyond(room, Number(bytes));
      await tx.query(ENTER, given);
    });
  }
}
