import { AppError } from '@mediakiln/contracts';
import type { EntityManager } from 'typeorm';

const FIND_LIMIT = 'SELECT quota_bytes FROM "user" WHERE id = $1';

/** A multipart body lives as long as its request, which renews its lock; one that has lapsed is of a gateway that died. */
const FIND_USED = `
SELECT (SELECT coalesce(sum(bytes), 0) FROM object WHERE owner_id = $1)
     + (SELECT coalesce(sum(reserved_bytes), 0) FROM upload
        WHERE owner_id = $1 AND finished_at IS NULL AND (protocol <> 'multipart' OR locked_until > now())) AS used`;

/** What an owner may still keep; null: there is no quota. */
export interface Room {
  limit: number;
  used: number;
}

/**
 * Until the transaction ends nobody else reserves for this owner.
 * @param byDefault MAX_OWNER_BYTES, for owners without a quota of their own.
 */
export async function roomOf(
  tx: EntityManager,
  ownerId: string,
  byDefault: number | undefined,
): Promise<Room | null> {
  const limit = await limitOf(tx, ownerId, byDefault);
  if (limit === undefined) return null;
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`mediakiln:quota:${ownerId}`]);
  const [{ used }] = await tx.query<[{ used: string }]>(FIND_USED, [ownerId]);
  return { limit, used: Number(used) };
}

/** Asked first, so that nobody waits for a lock who has no quota. */
export async function hasQuota(
  manager: EntityManager,
  ownerId: string,
  byDefault: number | undefined,
): Promise<boolean> {
  return (await limitOf(manager, ownerId, byDefault)) !== undefined;
}

async function limitOf(
  manager: EntityManager,
  ownerId: string,
  byDefault: number | undefined,
): Promise<number | undefined> {
  const [owner] = await manager.query<{ quota_bytes: string | null }[]>(FIND_LIMIT, [ownerId]);
  return owner?.quota_bytes == null ? byDefault : Number(owner.quota_bytes);
}

/** @throws AppError quota_exceeded */
export function refuseBeyond(room: Room | null, bytes: number): void {
  if (room && room.used + bytes > room.limit) throw beyondQuota(room, `${bytes} more were asked for`);
}

export function beyondQuota({ limit, used }: Room, asked: string): AppError {
  return new AppError(
    'quota_exceeded',
    `This account may keep ${limit} bytes; it has or expects ${used}, and ${asked}`,
  );
}
