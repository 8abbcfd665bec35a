import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { JobPurge } from '@mediakiln/jobs';
import { MediaPurge } from '@mediakiln/media';
import { JwtModule } from '@nestjs/jwt';
import { Credentials } from '../http/credentials';
import { HttpModule } from '../http/http.module';
import { AccessTokens } from './access-tokens';
import { AccountPurge, DeletedAccounts } from './account-purge';
import { AccountService } from './account.service';
import { Accounts } from './accounts';
import { ApiKeysController } from './api-keys.controller';
import { ApiKeysService } from './api-keys.service';
import { AuthController } from './auth.controller';
import { AuthService } from './auth.service';
import { FirstAdmin } from './first-admin';
import { JwtGuard } from './jwt.guard';
import { JwtStrategy } from './jwt.strategy';
import { LastingTokenService } from './lasting-token.service';
import { Tries } from './tries';
import { ExpiredSessions, Sessions } from './sessions';
import { Standing } from './standing';

/** Global for `Credentials`: features ask it, and import nothing from here. */
@Global()
@Module({
  imports: [HttpModule, JwtModule.register({})],
  controllers: [AuthController, ApiKeysController],
  providers: [
    AccessTokens,
    AccountPurge,
    AccountService,
    Accounts,
    ApiKeysService,
    AuthService,
    DeletedAccounts,
    ExpiredSessions,
    FirstAdmin,
    JobPurge,
    JwtStrategy,
    LastingTokenService,
    MediaPurge,
    Tries,
    Sessions,
    Standing,
    { provide: Credentials, useExisting: Standing },
    { provide: APP_GUARD, useClass: JwtGuard },
  ],
  exports: [Credentials, LastingTokenService],
})
export class AuthModule {}
