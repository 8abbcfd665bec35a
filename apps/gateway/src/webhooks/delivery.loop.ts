import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { isConnectionError } from '@mediakiln/entities';
import { JobNotices } from '@mediakiln/jobs';
import { Log } from '@mediakiln/observability';
import { merge, type Subscription } from 'rxjs';
import { DeliverySender } from './delivery.sender';
import { type ClaimedDelivery, DeliveryStore } from './delivery.store';

/** Calls of one gateway at a time. They wait for receivers, not for us. */
const PLACES = 32;
/** So many receivers that hang are an owner's own trouble. */
export const PLACES_OF_ONE_OWNER = 4;
/** When the process stops, calls that are under way get so long. */
const FINISH_WITHIN_MS = 3_000;

/** Keeps calls going while deliveries are due: woken by a notice, by the end of a call, and now and then. */
@Injectable()
export class DeliveryLoop implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly running = new Set<Promise<void>>();
  private readonly calls = new Map<string, number>();
  private readonly stopping = new AbortController();
  private notices?: Subscription;
  private timer?: NodeJS.Timeout;
  private claiming = Promise.resolve();
  private isClaiming = false;
  private isAgain = false;
  private isClosed = false;
  private isBlind = false;

  constructor(
    private readonly store: DeliveryStore,
    private readonly sender: DeliverySender,
    private readonly said: JobNotices,
    private readonly config: AppConfig,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.notices = merge(this.said.deliveries$, this.said.restored$).subscribe(() => this.wake());
    this.timer = setInterval(() => this.wake(), this.config.sweepSeconds * 1_000).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isClosed = true;
    this.notices?.unsubscribe();
    clearInterval(this.timer);
    await this.claiming;
    const rest = Promise.all(this.running);
    await Promise.race([rest, sleep(FINISH_WITHIN_MS, undefined, { ref: false })]);
    this.stopping.abort();
    await rest;
  }

  /** What is said during a claim leads to another one. */
  wake(): void {
    this.isAgain = true;
    if (!this.isClaiming) this.claiming = this.claim();
  }

  private async claim(): Promise<void> {
    this.isClaiming = true;
    while (this.isAgain && !this.isClosed && this.running.size < PLACES) {
      this.isAgain = false;
      try {
        const free = PLACES - this.running.size;
        const claimed = await this.store.claim(free, PLACES_OF_ONE_OWNER, this.calls);
        for (const delivery of claimed) this.start(delivery);
        this.isBlind = false;
      } catch (err) {
        if (!this.isBlind) this.log.warn('webhook deliveries could not be claimed', { err });
        this.isBlind = true;
      }
    }
    this.isClaiming = false;
  }

  private start(delivery: ClaimedDelivery): void {
    const { id, owner_id } = delivery;
    this.count(owner_id, 1);
    const running = this.sender
      .send(delivery, this.stopping.signal)
      .catch((err: unknown) => {
        // The claim lapses, and the delivery is made by whoever comes then.
        if (isConnectionError(err)) this.log.debug('webhook delivery was left', { delivery_id: id, err });
        else this.log.error('webhook delivery broke', { delivery_id: id, err });
      })
      .finally(() => {
        this.running.delete(running);
        this.count(owner_id, -1);
        this.wake();
      });
    this.running.add(running);
  }

  private count(ownerId: string, change: 1 | -1): void {
    const calls = (this.calls.get(ownerId) ?? 0) + change;
    if (calls === 0) this.calls.delete(ownerId);
    else this.calls.set(ownerId, calls);
  }
}
