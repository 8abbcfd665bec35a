import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError } from '@mediakiln/contracts';
import type { User } from '@mediakiln/entities';
import { DataSource } from 'typeorm';
import { ACCESS_TOKEN_SECONDS, AccessTokens } from './access-tokens';
import { Accounts } from './accounts';
import type { Credentials, TokenResponse, UserResponse } from './auth.dto';
import { type Login, Sessions } from './sessions';

@Injectable()
export class AuthService {
  constructor(
    private readonly config: AppConfig,
    private readonly database: DataSource,
    private readonly accounts: Accounts,
    private readonly sessions: Sessions,
    private readonly tokens: AccessTokens,
  ) {}

  async register({ email, password }: Credentials): Promise<TokenResponse> {
    if (this.config.registration === 'closed') throw new AppError('registration_closed');
    const user = await this.accounts.create({ email, password, role: 'user' });
    if (!user) throw new AppError('email_taken');
    return this.respond(user, await this.sessions.open(this.database.manager, user.id));
  }

  async login(email: string, password: string): Promise<TokenResponse> {
    const user = await this.accounts.authenticate(email, password);
    return this.respond(user, await this.sessions.open(this.database.manager, user.id));
  }

  async refresh(token: string): Promise<TokenResponse> {
    const login = await this.sessions.rotate(this.database.manager, token);
    return this.respond(await this.userOf(login.userId), login);
  }

  async me(id: string): Promise<UserResponse> {
    return present(await this.userOf(id));
  }

  private async userOf(id: string): Promise<User> {
    const user = await this.accounts.findById(this.database.manager, id);
    if (!user) throw new AppError('unauthenticated', 'The account of this token no longer exists');
    return user;
  }

  private respond(user: User, { familyId, refreshToken }: Login): TokenResponse {
    return {
      access_token: this.tokens.issue(user, familyId),
      token_type: 'Bearer',
      expires_in: ACCESS_TOKEN_SECONDS,
      refresh_token: refreshToken,
      user: present(user),
    };
  }
}

const present = ({ id, email, role }: User): UserResponse => ({ id, email, role });
