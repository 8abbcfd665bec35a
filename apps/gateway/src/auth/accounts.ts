import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { ApiKey, IdempotencyKey, User } from '@mediakiln/entities';
import { DataSource, type EntityManager, IsNull } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { PasswordHasher } from '../http/password-hasher';

interface NewAccount {
  email: string;
  password: string;
  role: User['role'];
}

/** In the order of ids, so that two admins that leave at once wait for each other instead of both going. */
const LOCK_ADMINS = `SELECT id FROM "user" WHERE role = 'admin' AND deleted_at IS NULL ORDER BY id FOR UPDATE`;

/** Rows of `user`. A deleted account is found by nothing but the sweeper. */
@Injectable()
export class Accounts {
  constructor(
    private readonly database: DataSource,
    private readonly passwords: PasswordHasher,
  ) {}

  findById(id: string): Promise<User | null> {
    return this.database.manager.findOneBy(User, { id, deleted_at: IsNull() });
  }

  findByEmail(email: string): Promise<User | null> {
    return this.database.manager.findOneBy(User, { email, deleted_at: IsNull() });
  }

  /** @returns the new account, or null when the e-mail address is taken. */
  async create({ email, password, role }: NewAccount): Promise<User | null> {
    const user = { id: uuidv7(), email, role, password_hash: await this.passwords.hash(password) };
    const { raw } = (await this.database
      .createQueryBuilder()
      .insert()
      .into(User)
      .values(user)
      .orIgnore()
      .returning('*')
      .execute()) as { raw: User[] };
    return raw[0] ?? null;
  }

  exists(email: string): Promise<boolean> {
    return this.database.manager.existsBy(User, { email });
  }

  /**
   * @param before runs in the same transaction, once the row is ours.
   * @returns the account with its new password. @throws AppError wrong_password when it was changed or deleted since
   * it was read.
   */
  async changePassword<T>(
    user: User,
    password: string,
    before: (tx: EntityManager, changed: User) => Promise<T>,
  ): Promise<T> {
    const changed = { ...user, password_hash: await this.passwords.hash(password) };
    return this.database.transaction(async (tx) => {
      const { affected } = await tx.update(
        User,
        { id: user.id, password_hash: user.password_hash, deleted_at: IsNull() },
        { password_hash: changed.password_hash },
      );
      if (affected === 0) throw new AppError('wrong_password');
      return before(tx, changed);
    });
  }

  /**
   * From the commit on nobody gets in, and the e-mail address is free.
   * @param before runs in the same transaction, once the row is ours.
   * @throws AppError conflict for the last administrator.
   */
  async markDeleted(
    { id, role }: Pick<User, 'id' | 'role'>,
    before: (tx: EntityManager) => Promise<void>,
  ): Promise<void> {
    await this.database.transaction(async (tx) => {
      if (role === 'admin') await assertNotLast(tx, id);
      // Neither the address nor the hash is one that a request could name.
      const gone = { deleted_at: () => 'now()', email: `deleted:${id}`, password_hash: '' };
      await tx.update(User, { id, deleted_at: IsNull() }, gone);
      await tx.delete(ApiKey, { owner_id: id });
      await tx.delete(IdempotencyKey, { owner_id: id });
      await before(tx);
    });
  }
}

async function assertNotLast(tx: EntityManager, id: string): Promise<void> {
  const admins = await tx.query<{ id: string }[]>(LOCK_ADMINS);
  if (admins.every((admin) => admin.id === id))
    throw new AppError('conflict', 'This is the last administrator: nobody could manage this installation');
}
