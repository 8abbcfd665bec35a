import { IsArray, IsEmail, IsIn, IsInt, IsOptional, Matches, Min, MinLength } from 'class-validator';
import { FromEnv, integer, list } from './variable';

/** Who may come in, from where and how often. */
export class AccessSettings {
  @FromEnv('REGISTRATION', '`open`: anyone may register; `closed`: nobody')
  @IsIn(['open', 'closed'])
  readonly registration: 'open' | 'closed' = 'open';

  @FromEnv(
    'CORS_ORIGINS',
    'Origins whose pages may call the API, separated by commas, or `*`; unset: the same origin only',
    { parse: list },
  )
  @IsArray()
  @Matches(/^(\*|https?:\/\/[^/\s]+)$/, { each: true })
  readonly corsOrigins: readonly string[] = [];

  @FromEnv(
    'TRUST_PROXY',
    'Addresses or CIDR blocks of the proxies in front, separated by commas: from them X-Forwarded-For is believed',
    { parse: list },
  )
  @IsArray()
  readonly trustProxy: readonly string[] = [];

  @FromEnv('RATE_LIMIT_PER_MINUTE', 'Most requests of one account or API key in a minute; 0: no limit', {
    parse: integer,
  })
  @IsInt()
  @Min(0)
  readonly rateLimitPerMinute: number = 6_000;

  @FromEnv(
    'RATE_LIMIT_REGISTRATIONS_PER_HOUR',
    'Most registrations from one IP address in an hour; 0: no limit',
    { parse: integer },
  )
  @IsInt()
  @Min(0)
  readonly registrationsPerHour: number = 1_000;

  @FromEnv('ADMIN_EMAIL', 'E-mail address of the administrator that is created at start when missing')
  @IsOptional()
  @IsEmail({ require_tld: false })
  readonly adminEmail?: string;

  @FromEnv('ADMIN_PASSWORD', 'Password of that administrator', { secret: true })
  @IsOptional()
  @MinLength(8)
  readonly adminPassword?: string;
}
