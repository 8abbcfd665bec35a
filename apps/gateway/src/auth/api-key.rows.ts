import { AppError } from '@mediakiln/contracts';
import { ApiKey } from '@mediakiln/entities';
import type { EntityManager } from 'typeorm';
import { hashOfKey } from './standing';

const MOST_KEYS = 100;
const PREFIX_LENGTH = 11;

/**
 * Holds the owner's row to the end of the transaction: two requests at once cannot both take the last place, and a
 * deletion of the account waits.
 * @throws AppError unauthenticated
 */
export async function holdOwner(tx: EntityManager, ownerId: string): Promise<void> {
  const [owner] = await tx.query<unknown[]>(
    'SELECT 1 FROM "user" WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE',
    [ownerId],
  );
  if (!owner) throw new AppError('unauthenticated', 'The account was deleted meanwhile');
}

/** The owner is held. @throws AppError conflict */
export async function insertKey(
  tx: EntityManager,
  { key, ...row }: Pick<ApiKey, 'id' | 'owner_id' | 'name' | 'scopes' | 'expires_at'> & { key: string },
): Promise<ApiKey> {
  const count = await tx.countBy(ApiKey, { owner_id: row.owner_id });
  if (count >= MOST_KEYS)
    throw new AppError(
      'conflict',
      `An account has at most ${MOST_KEYS} API keys, and you have ${count}: delete one first`,
    );
  await tx.insert(ApiKey, { ...row, prefix: key.slice(0, PREFIX_LENGTH), key_hash: hashOfKey(key) });
  return tx.findOneByOrFail(ApiKey, { id: row.id });
}
