import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { User } from '@mediakiln/entities';
import { DataSource, type EntityManager } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { PasswordHasher } from '../http/password-hasher';

interface NewAccount {
  email: string;
  password: string;
  role: User['role'];
}

/** Rows of `user`. */
@Injectable()
export class Accounts {
  constructor(
    private readonly database: DataSource,
    private readonly passwords: PasswordHasher,
  ) {}

  findById(tx: EntityManager, id: string): Promise<User | null> {
    return tx.findOneBy(User, { id });
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

  /** @throws AppError invalid_credentials, the same and after the same time for a wrong password and an unknown user. */
  async authenticate(email: string, password: string): Promise<User> {
    const user = await this.database.manager.findOneBy(User, { email });
    const isRight = await this.passwords.matches(password, user?.password_hash);
    if (!user || !isRight) throw new AppError('invalid_credentials');
    return user;
  }
}
