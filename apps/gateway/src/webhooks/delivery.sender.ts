import { performance } from 'node:perf_hooks';
import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { SafeFetch } from '@mediakiln/net';
import { Log } from '@mediakiln/observability';
import { DeliveryBodies } from './delivery.bodies';
import { secondsToNextTry } from './delivery.schedule';
import { type Answered, type ClaimedDelivery, DeliveryStore, type Verdict } from './delivery.store';
import { SigningSecrets } from './signing.secrets';
import { signedHeaders } from './webhook.signature';

const GONE = 410;

/** One try of one delivery: its body, its signature, the call, and what follows from the answer. */
@Injectable()
export class DeliverySender {
  /** A receiver is to take the message and work on it later. */
  timeoutMs = 15_000;

  constructor(
    private readonly store: DeliveryStore,
    private readonly bodies: DeliveryBodies,
    private readonly secrets: SigningSecrets,
    private readonly fetch: SafeFetch,
    private readonly log: Log,
  ) {}

  /** @param signal the process stops: the try does not count, and another gateway makes it. */
  async send(delivery: ClaimedDelivery, signal: AbortSignal): Promise<void> {
    if (delivery.is_disabled) return this.store.drop(delivery.id, null);
    const body = await this.bodyOf(delivery);
    if (body === null) return this.store.drop(delivery.id, 'not_found');
    const secrets = await this.secrets.of(delivery.owner_id, delivery.endpoint_id);
    const answered = await this.call(delivery, body, secrets, signal);
    if (answered) await this.settle(delivery, answered);
    else await this.store.giveBack(delivery);
  }

  /** Committed before the call: a gateway that crashes after it leaves the same words to the next. */
  private async bodyOf(delivery: ClaimedDelivery): Promise<string | null> {
    if (delivery.body !== null) return delivery.body;
    const body = await this.bodies.render(delivery);
    return body === null ? null : this.store.freeze(delivery.id, body);
  }

  /** @returns null when the process stopped meanwhile. */
  private async call(
    { id, at, url }: ClaimedDelivery,
    body: string,
    secrets: readonly string[],
    signal: AbortSignal,
  ): Promise<Answered | null> {
    if (secrets.length === 0) return { status: null, error: 'webhook_secret_unreadable', duration_ms: 0 };
    const startedMs = performance.now();
    const took = (): number => Math.round(performance.now() - startedMs);
    try {
      const headers = signedHeaders({ id, at, body }, secrets);
      const { status } = await this.fetch.post(url, { body, headers, timeoutMs: this.timeoutMs, signal });
      return { status, error: null, duration_ms: took() };
    } catch (error) {
      if (signal.aborted) return null;
      const { code, options } = AppError.from(error);
      if (code === 'internal_error')
        this.log.warn('webhook call broke', { delivery_id: id, err: options.cause });
      return { status: null, error: code, duration_ms: took() };
    }
  }

  private async settle(delivery: ClaimedDelivery, answered: Answered): Promise<void> {
    const verdict = verdictOn(delivery, answered);
    const isOurs = await this.store.record(delivery, answered, verdict);
    const { id, owner_id, event_type, job_id, batch_id } = delivery;
    // Not the address: whoever gave it may have put a secret into it.
    this.log.info(isOurs ? 'webhook called' : 'webhook called by two', {
      delivery_id: id,
      owner_id,
      event_type,
      job_id,
      batch_id,
      attempt: delivery.attempts + 1,
      outcome: verdict.status,
      http_status: answered.status,
      code: answered.error,
      duration_ms: answered.duration_ms,
    });
  }
}

/** 2xx is success; everything else, redirects too, is tried again while tries are left. 410 is a farewell. */
export function verdictOn(
  { attempts, endpoint_id }: Pick<ClaimedDelivery, 'attempts' | 'endpoint_id'>,
  { status }: Pick<Answered, 'status'>,
): Verdict {
  if (status !== null && status >= 200 && status < 300)
    return { status: 'delivered', nextInSeconds: null, isGone: false };
  const isGone = status === GONE;
  const nextInSeconds = isGone ? null : secondsToNextTry(attempts + 1);
  return {
    status: nextInSeconds === null ? 'failed' : 'pending',
    nextInSeconds,
    isGone: isGone && endpoint_id !== null,
  };
}
