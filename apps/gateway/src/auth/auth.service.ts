import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { AppError } from '@mediakiln/contracts';
import type { User } from '@mediakiln/entities';
import { ACCESS_TOKEN_SECONDS, AccessTokens } from './access-tokens';
import { Accounts } from './accounts';
import type { Credentials, TokenResponse, UserResponse } from './auth.dto';
import { Tries } from './tries';
import { type Login, Sessions } from './sessions';

/** Ways in. */
@Injectable()
export class AuthService {
  constructor(
    private readonly config: AppConfig,
    private readonly accounts: Accounts,
    private readonly tries: Tries,
    private readonly sessions: Sessions,
    private readonly tokens: AccessTokens,
  ) {}

  async register({ email, password }: Credentials, ip: string): Promise<TokenResponse> {
    if (this.config.registration === 'closed') throw new AppError('registration_closed');
    await this.tries.registration(ip);
    const user = await this.accounts.create({ email, password, role: 'user' });
    if (!user) throw new AppError('email_taken');
    return this.respond(user, await this.sessions.open(user));
  }

  async login({ email, password }: Credentials, ip: string): Promise<TokenResponse> {
    const user = await this.tries.login(email, password, ip);
    return this.respond(user, await this.sessions.open(user));
  }

  async refresh(token: string): Promise<TokenResponse> {
    const known = await this.sessions.findByToken(token);
    if (known) await this.tries.refresh(known.family_id);
    const login = await this.sessions.rotate(token);
    return this.respond(await this.userOf(login.userId), login);
  }

  async me(id: string): Promise<UserResponse> {
    return present(await this.userOf(id));
  }

  respond(user: User, { familyId, refreshToken }: Login): TokenResponse {
    return {
      access_token: this.tokens.issue(user, familyId),
      token_type: 'Bearer',
      expires_in: ACCESS_TOKEN_SECONDS,
      refresh_token: refreshToken,
      user: present(user),
    };
  }

  private async userOf(id: string): Promise<User> {
    const user = await this.accounts.findById(id);
    if (!user) throw new AppError('unauthenticated', 'The account of this token no longer exists');
    return user;
  }
}

const present = ({ id, email, role }: User): UserResponse => ({ id, email, role });
