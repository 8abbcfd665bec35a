import { Module } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { HomeController } from './home.controller';
import { PasswordHasher } from './password-hasher';
import { Idempotency, OldIdempotencyKeys } from './idempotency';
import { ProblemFilter } from './problem.filter';
import { RateLimits } from './rate-limit';
import { Shutdown } from './shutdown';
import { PastThrottles, Throttle } from './throttle';
import { UploadRoom } from './upload.room';
import { StrictValidationPipe } from './validation.pipe';

/** What every route shares: problems instead of errors, validation, the orderly end. */
@Module({
  controllers: [HomeController],
  providers: [
    PasswordHasher,
    Idempotency,
    OldIdempotencyKeys,
    PastThrottles,
    RateLimits,
    Shutdown,
    Throttle,
    UploadRoom,
    { provide: APP_FILTER, useClass: ProblemFilter },
    { provide: APP_PIPE, useClass: StrictValidationPipe },
  ],
  exports: [Idempotency, PasswordHasher, RateLimits, Shutdown, Throttle, UploadRoom],
})
export class HttpModule {}
