import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { SweepingDuty, type SweepDuty } from '@mediakiln/entities';
import { DataSource, type EntityManager } from 'typeorm';

export interface ThrottleRule {
  /** What is limited, in words: `logins of this account`. */
  what: string;
  limit: number;
  windowSeconds: number;
}

const COUNT = `
INSERT INTO throttle (key, used, ends_at) VALUES ($1, $2, now() + make_interval(secs => $3))
ON CONFLICT (key) DO UPDATE SET
  used = CASE WHEN throttle.ends_at <= now() THEN $2 ELSE throttle.used + $2 END,
  ends_at = CASE WHEN throttle.ends_at <= now() THEN excluded.ends_at ELSE throttle.ends_at END
RETURNING used, extract(epoch FROM ends_at - now())::float8 * 1000 AS milliseconds_left`;

/** Counts tries in PostgreSQL, so that a limit holds over all replicas. A window starts with its first try. */
@Injectable()
export class Throttle {
  constructor(private readonly database: DataSource) {}

  /**
   * Counts before the attempt, so that a thousand tries at once are no way around it.
   * @throws AppError too_many_requests, with `Retry-After` and `RateLimit-*`.
   */
  async take(key: string, rule: ThrottleRule, count = 1): Promise<{ used: number; secondsLeft: number }> {
    const { used, millisecondsLeft } = await this.count(key, rule, count);
    const secondsLeft = Math.max(1, Math.ceil(millisecondsLeft / 1_000));
    if (used > rule.limit) throw tooMany(rule, secondsLeft);
    return { used, secondsLeft };
  }

  /** Counts and judges nothing. */
  async count(
    key: string,
    { windowSeconds }: Pick<ThrottleRule, 'windowSeconds'>,
    count: number,
  ): Promise<{ used: number; millisecondsLeft: number }> {
    const [row] = await this.database.query<[{ used: number; milliseconds_left: number }]>(COUNT, [
      key,
      count,
      windowSeconds,
    ]);
    return { used: row.used, millisecondsLeft: row.milliseconds_left };
  }

  /** After a try that turned out well, where others share the count. */
  async giveBack(key: string): Promise<void> {
    await this.database.query('UPDATE throttle SET used = used - 1 WHERE key = $1 AND used > 0', [key]);
  }

  /** After a try that turned out well. */
  async forget(key: string): Promise<void> {
    await this.database.query('DELETE FROM throttle WHERE key = $1', [key]);
  }
}

export function tooMany({ what, limit, windowSeconds }: ThrottleRule, secondsLeft: number): AppError {
  return new AppError(
    'too_many_requests',
    `At most ${limit} ${what} in ${windowSeconds} seconds; try again in ${secondsLeft} seconds`,
    {
      headers: {
        'retry-after': String(secondsLeft),
        'ratelimit-limit': String(limit),
        'ratelimit-remaining': '0',
        'ratelimit-reset': String(secondsLeft),
      },
    },
  );
}

@SweepingDuty()
@Injectable()
export class PastThrottles implements SweepDuty {
  readonly name = 'past_throttles';
  readonly everyMs = 600_000;

  async sweep(tx: EntityManager): Promise<number> {
    const [, removed] = await tx.query<[unknown, number]>('DELETE FROM throttle WHERE ends_at < now()');
    return removed;
  }
}
