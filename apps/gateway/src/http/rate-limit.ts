import { Injectable } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import type { FastifyReply } from 'fastify';
import { Throttle, tooMany } from './throttle';

const WINDOW_SECONDS = 60;
/** A process takes so many parts of the limit out of the database at a time. */
const BLOCKS = 20;
const MOST_REMEMBERED = 10_000;

/** What this process may still spend of an account's or API key's minute. */
interface Budget {
  left: number;
  /** Of all replicas, beyond what was reserved for us. */
  leftElsewhere: number;
  /** On the monotonic clock. */
  endsAtMs: number;
  reserving?: Promise<void>;
}

/**
 * Requests per minute of one account or API key, over all replicas. They are counted in PostgreSQL, but reserved in blocks,
 * so that most requests cost no query; what one replica has reserved and does not use, the others do not get in that
 * minute.
 */
@Injectable()
export class RateLimits {
  private readonly budgets = new Map<string, Budget>();
  private readonly rule: { what: string; limit: number; windowSeconds: number };

  constructor(
    config: AppConfig,
    private readonly throttle: Throttle,
  ) {
    const limit = config.rateLimitPerMinute;
    this.rule = { what: 'requests of this account or API key', limit, windowSeconds: WINDOW_SECONDS };
  }

  /**
   * Counts one request and says in its answer what is left.
   * @param caller as `countedAs` names them.
   * @returns a promise where the database has to be asked. @throws AppError too_many_requests
   */
  count(caller: string, reply: FastifyReply): void | Promise<void> {
    if (this.rule.limit === 0) return;
    const budget = this.budgetOf(caller);
    if (isOver(budget) || budget.left === 0) return this.countAnew(caller, budget, reply);
    this.spend(budget, reply);
  }

  private async countAnew(caller: string, budget: Budget, reply: FastifyReply): Promise<void> {
    // Others may spend what was reserved before we get to it.
    while (isOver(budget) || (budget.left === 0 && budget.leftElsewhere > 0))
      await (budget.reserving ??= this.reserve(caller, budget).finally(() => (budget.reserving = undefined)));
    if (budget.left === 0) throw tooMany(this.rule, secondsLeft(budget));
    this.spend(budget, reply);
  }

  private async reserve(caller: string, budget: Budget): Promise<void> {
    const { limit } = this.rule;
    const block = Math.ceil(limit / BLOCKS);
    const { used, millisecondsLeft } = await this.throttle.count(`requests:${caller}`, this.rule, block);
    budget.left = Math.min(block, Math.max(0, limit - (used - block)));
    budget.leftElsewhere = Math.max(0, limit - used);
    budget.endsAtMs = performance.now() + millisecondsLeft;
  }

  private spend(budget: Budget, reply: FastifyReply): void {
    budget.left -= 1;
    // On the raw response, so that hijacked replies carry it as well.
    reply.raw.setHeader('ratelimit-limit', this.rule.limit);
    reply.raw.setHeader('ratelimit-remaining', budget.left + budget.leftElsewhere);
    reply.raw.setHeader('ratelimit-reset', secondsLeft(budget));
  }

  private budgetOf(caller: string): Budget {
    const known = this.budgets.get(caller);
    if (known) return known;
    // A forgotten budget loses its reservation and nothing else.
    if (this.budgets.size >= MOST_REMEMBERED) this.budgets.delete(this.budgets.keys().next().value!);
    const budget: Budget = { left: 0, leftElsewhere: 0, endsAtMs: 0 };
    this.budgets.set(caller, budget);
    return budget;
  }
}

const isOver = (budget: Budget): boolean => performance.now() >= budget.endsAtMs;
const secondsLeft = (budget: Budget): number =>
  Math.max(1, Math.ceil((budget.endsAtMs - performance.now()) / 1_000));
