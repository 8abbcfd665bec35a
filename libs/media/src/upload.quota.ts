import { AppError } from '@mediakiln/contracts';
import type { EntityManager } from 'typeorm';
import { UNNAMED } from './object.sweep';

const FIND_LIMIT = 'SELECT quota_bytes FROM "user" WHERE id = $1';

/**
 * A multipart body lives as long as its request, which renews its lock; one that has lapsed is of a gateway that died, or
 * that stood still. Its row goes, so that it can never be renewed over what another has reserved since. One that is being
 * renewed at this moment is skipped, and counts.
 */
const DROP_LAPSED = `
DELETE FROM upload WHERE id IN (
  SELECT id FROM upload
  WHERE owner_id = $1 AND protocol = 'multipart' AND (locked_until > now()) IS NOT TRUE
  FOR UPDATE SKIP LOCKED)`;

const KEPT = '(SELECT coalesce(sum(bytes), 0) FROM object WHERE owner_id = $1)';

const FIND_KEPT = `SELECT ${KEPT} AS used`;

const FIND_USED = `
SELECT ${KEPT}
     + (SELECT coalesce(sum(reserved_bytes), 0) FROM upload WHERE owner_id = $1 AND finished_at IS NULL) AS used`;

const END_RESERVATION = 'DELETE FROM upload WHERE id = $1 AND owner_id = $2';

/** The bytes of a media or of a list: they are kept anyway. */
const IS_NAMED = `SELECT FROM object o WHERE o.owner_id = $1 AND o.sha256 = $2 AND NOT (${UNNAMED})`;

/** What an owner may still keep; null: there is no quota. */
export interface Room {
  limit: number;
  used: number;
}

/**
 * Until the transaction ends nobody else reserves for this owner.
 * @param byDefault MAX_OWNER_BYTES, for owners without a quota of their own.
 * @param counting `expected`: also what is reserved for uploads on their way. One that does not say how long it is
 * reserves all that is left, so finished work counts by what is `kept`: it is not thrown away for an upload that may come
 * to nothing.
 */
export async function roomOf(
  tx: EntityManager,
  ownerId: string,
  byDefault: number | undefined,
  counting: 'expected' | 'kept' = 'expected',
): Promise<Room | null> {
  const limit = await limitOf(tx, ownerId, byDefault);
  if (limit === undefined) return null;
  await lockQuota(tx, ownerId);
  if (counting === 'expected') await tx.query(DROP_LAPSED, [ownerId]);
  const statement = counting === 'expected' ? FIND_USED : FIND_KEPT;
  const [{ used }] = await tx.query<[{ used: string }]>(statement, [ownerId]);
  return { limit, used: Number(used) };
}

/**
 * In the transaction that inserts the media of a body, whose object has been put: from here on that counts, and what was
 * reserved for it ends. A row that is still there has kept the room free; else the quota is asked anew.
 * @throws AppError quota_exceeded
 */
export async function exchange(
  tx: EntityManager,
  reservation: { id: string; owner_id: string },
  object: { sha256: string; bytes: number },
  byDefault: number | undefined,
): Promise<void> {
  const { id, owner_id } = reservation;
  // Before the row is looked at: whoever has the lock may be taking it away.
  await lockQuota(tx, owner_id);
  const [, ended] = await tx.query<[unknown, number]>(END_RESERVATION, [id, owner_id]);
  if (ended === 1) return;
  const room = await roomOf(tx, owner_id, byDefault);
  if (!room || room.used <= room.limit) return;
  const named = await tx.query<unknown[]>(IS_NAMED, [owner_id, object.sha256]);
  if (named.length === 0) refuseBeyond({ ...room, used: room.used - object.bytes }, object.bytes);
}

/** Asked first, so that nobody waits for a lock who has no quota. */
export async function hasQuota(
  manager: EntityManager,
  ownerId: string,
  byDefault: number | undefined,
): Promise<boolean> {
  return (await limitOf(manager, ownerId, byDefault)) !== undefined;
}

async function lockQuota(tx: EntityManager, ownerId: string): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`mediakiln:quota:${ownerId}`]);
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
