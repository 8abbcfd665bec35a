import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { HttpModule } from '../http/http.module';
import { AccessTokens } from './access-tokens';
import { Accounts } from './accounts';
import { AuthController } from './auth.controller';
import { AuthService } from './auth.service';
import { FirstAdmin } from './first-admin';
import { JwtGuard } from './jwt.guard';
import { JwtStrategy } from './jwt.strategy';
import { ExpiredSessions, Sessions } from './sessions';
import { VerifiedTokens } from './verified-tokens';

@Module({
  imports: [HttpModule, JwtModule.register({})],
  controllers: [AuthController],
  providers: [
    AccessTokens,
    Accounts,
    AuthService,
    ExpiredSessions,
    FirstAdmin,
    JwtStrategy,
    Sessions,
    VerifiedTokens,
    { provide: APP_GUARD, useClass: JwtGuard },
  ],
})
export class AuthModule {}
