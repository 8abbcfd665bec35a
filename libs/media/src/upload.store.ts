import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError } from '@mediakiln/contracts';
import { Upload } from '@mediakiln/entities';
import { DataSource, type EntityManager, In } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { LOCK_MS } from './upload.turn';
import { beyondQuota, exchange, hasQuota, refuseBeyond, roomOf } from './upload.quota';

/** What is known of an upload when it begins. */
export interface UploadPlan extends Pick<Upload, 'owner_id' | 'protocol' | 'name'> {
  id?: string;
  metadata?: Upload['metadata'];
  /** Bytes of the whole, when that is known. */
  length?: number | null;
  /** Counts against the quota until the media does. */
  reserved_bytes: number;
  concat?: Upload['concat'];
  part_ids?: string[];
  file_id?: string;
  total_chunks?: number;
  /** Whose turn it is from the start. */
  holder?: string;
}

/** Whose turn it is to write to an upload. */
export interface Held {
  id: string;
  holder: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const LIFE = `now() + $3 * interval '1 s'`;

const ADVANCE = `
UPDATE upload SET "offset" = $4, expires_at = ${LIFE}
WHERE id = $1 AND locked_by = $2 AND finished_at IS NULL RETURNING expires_at`;

/** Its life goes on, so that whoever missed the answer can ask again. */
const FINISH = `
UPDATE upload SET "offset" = coalesce(length, "offset"), media_id = $4, reserved_bytes = 0, finished_at = now(),
  expires_at = ${LIFE}
WHERE id = $1 AND locked_by = $2 AND finished_at IS NULL`;

const FINISH_PARTS = `
UPDATE upload SET reserved_bytes = 0, media_id = $2, finished_at = now(), expires_at = ${LIFE}
WHERE id = ANY($1::uuid[]) AND finished_at IS NULL`;

const RESERVE = 'UPDATE upload SET reserved_bytes = reserved_bytes + $3 WHERE id = $1 AND owner_id = $2';

/** Rows of uploads on their way. */
@Injectable()
export class UploadStore {
  constructor(
    private readonly dataSource: DataSource,
    private readonly config: AppConfig,
  ) {}

  /**
   * @returns null when the owner has an upload with this `file_id` already.
   * @throws AppError quota_exceeded
   */
  async create(plan: UploadPlan): Promise<Upload | null> {
    const { manager } = this.dataSource;
    if (!(await hasQuota(manager, plan.owner_id, this.config.maxOwnerBytes)))
      return this.insert(manager, plan);
    return this.dataSource.transaction(async (tx) => {
      refuseBeyond(await roomOf(tx, plan.owner_id, this.config.maxOwnerBytes), plan.reserved_bytes);
      return this.insert(tx, plan);
    });
  }

  /**
   * For a body that is an upload only while it arrives: of what the quota has left `mostBytes` are reserved, or as many
   * as there are.
   * @returns null where there is no quota: nothing needs to be reserved.
   * @throws AppError quota_exceeded when less than `leastBytes` is left, or nothing
   */
  async createWithinQuota(
    plan: Omit<UploadPlan, 'reserved_bytes'>,
    mostBytes: number,
    leastBytes = 0,
  ): Promise<Upload | null> {
    if (!(await hasQuota(this.dataSource.manager, plan.owner_id, this.config.maxOwnerBytes))) return null;
    return this.dataSource.transaction(async (tx) => {
      const room = await roomOf(tx, plan.owner_id, this.config.maxOwnerBytes);
      if (!room) return null;
      refuseBeyond(room, leastBytes);
      const left = room.limit - room.used;
      if (left <= 0) throw beyondQuota(room, 'nothing is left');
      return this.insert(tx, { ...plan, reserved_bytes: Math.min(left, mostBytes) });
    });
  }

  /** More than `create` did, for an upload whose length comes to light on the way. @throws AppError quota_exceeded */
  async reserve(
    tx: EntityManager,
    { id, owner_id }: Pick<Upload, 'id' | 'owner_id'>,
    bytes: number,
  ): Promise<void> {
    refuseBeyond(await roomOf(tx, owner_id, this.config.maxOwnerBytes), bytes);
    await tx.query(RESERVE, [id, owner_id, bytes]);
  }

  /** What a body has reserved becomes a media. @throws AppError quota_exceeded, see there */
  exchange(
    tx: EntityManager,
    reservation: Pick<Upload, 'id' | 'owner_id'>,
    object: { sha256: string; bytes: number },
  ): Promise<void> {
    return exchange(tx, reservation, object, this.config.maxOwnerBytes);
  }

  /** By the clock of the database, which gave it its time. @throws AppError not_found, upload_expired */
  async findLive(ownerId: string, id: string): Promise<Upload> {
    const { raw, entities } = await this.dataSource.manager
      .createQueryBuilder(Upload, 'upload')
      .addSelect('upload.expires_at <= now()', 'is_expired')
      .where('upload.id = :id AND upload.owner_id = :ownerId', { id: UUID.test(id) ? id : null, ownerId })
      .getRawAndEntities<{ is_expired: boolean }>();
    const [upload] = entities;
    if (!upload) throw new AppError('not_found', 'There is no upload with this id');
    if (raw[0]?.is_expired)
      throw new AppError(
        'upload_expired',
        `It was to be gone on with until ${upload.expires_at.toISOString()}`,
      );
    return upload;
  }

  /** Also one whose time is over and that the sweeper has not met. */
  async find(ownerId: string, id: string): Promise<Upload | null> {
    return UUID.test(id) ? this.dataSource.manager.findOneBy(Upload, { id, owner_id: ownerId }) : null;
  }

  /** By the client's own name for it. */
  findByFileId(ownerId: string, fileId: string): Promise<Upload | null> {
    return this.dataSource.manager.findOneBy(Upload, { owner_id: ownerId, file_id: fileId });
  }

  /** In no particular order; those that are not the owner's are left out. */
  findMany(ownerId: string, ids: string[]): Promise<Upload[]> {
    const known = ids.filter((id) => UUID.test(id));
    return this.dataSource.manager.findBy(Upload, { id: In(known), owner_id: ownerId });
  }

  /** The finished whole of just these parts, in this order. */
  async findWholeOf(ownerId: string, partIds: string[]): Promise<Upload | null> {
    if (!partIds.every((id) => UUID.test(id))) return null;
    return this.dataSource.manager
      .createQueryBuilder(Upload, 'upload')
      .where(
        'upload.owner_id = :ownerId AND upload.part_ids = CAST(:partIds AS uuid[]) AND upload.media_id IS NOT NULL',
        {
          ownerId,
          partIds,
        },
      )
      .getOne();
  }

  /**
   * Acknowledges bytes: they are on the disk for good.
   * @returns until when the upload lives from here on.
   * @throws AppError upload_locked when it is somebody else's turn by now
   */
  async advance({ id, holder }: Held, offset: number): Promise<Date> {
    const [[row]] = await this.dataSource.query<[{ expires_at: Date }[], number]>(ADVANCE, [
      id,
      holder,
      this.config.uploadLifeSeconds,
      offset,
    ]);
    if (!row) throw taken();
    return row.expires_at;
  }

  /**
   * In the transaction that inserts its media, so that an upload becomes one media and no more.
   * @param partIds of a concatenation: they end with the whole.
   * @throws AppError upload_locked, upload_conflict when a part went into another whole
   */
  async finish(
    tx: EntityManager,
    { id, holder }: Held,
    mediaId: string,
    partIds: readonly string[] = [],
  ): Promise<void> {
    const life = this.config.uploadLifeSeconds;
    const [, changed] = await tx.query<[unknown, number]>(FINISH, [id, holder, life, mediaId]);
    if (changed === 0) throw taken();
    const parts = [...new Set(partIds)];
    if (parts.length === 0) return;
    const [, ended] = await tx.query<[unknown, number]>(FINISH_PARTS, [parts, mediaId, life]);
    if (ended !== parts.length)
      throw new AppError('upload_conflict', 'A part of this upload has gone into another one meanwhile');
  }

  /** Its files are the caller's business, or the sweeper's. @returns whether there was such an upload. */
  async remove(ownerId: string, id: string): Promise<boolean> {
    if (!UUID.test(id)) return false;
    const { affected } = await this.dataSource.manager.delete(Upload, { id, owner_id: ownerId });
    return affected === 1;
  }

  private async insert(tx: EntityManager, plan: UploadPlan): Promise<Upload | null> {
    const { id = uuidv7(), holder = null, ...own } = plan;
    await tx
      .createQueryBuilder()
      .insert()
      .into(Upload)
      .values({
        ...own,
        id,
        metadata: own.metadata ?? null,
        length: own.length ?? null,
        locked_by: holder,
        locked_until: holder === null ? null : () => `now() + :lockMs * interval '1 ms'`,
        expires_at: () => `now() + :life * interval '1 s'`,
      })
      .setParameters({ lockMs: LOCK_MS, life: this.config.uploadLifeSeconds })
      .orIgnore()
      .updateEntity(false)
      .execute();
    return tx.findOneBy(Upload, { id });
  }
}

/** By the clock of this process; `findLive` asks the database's. */
export const isExpired = ({ expires_at }: Upload): boolean => expires_at.getTime() <= Date.now();

const taken = (): AppError => new AppError('upload_locked', 'Another request has taken over this upload');
