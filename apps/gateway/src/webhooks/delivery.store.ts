import { Injectable } from '@nestjs/common';
import type { DeliveryStatus, ErrorCode } from '@mediakiln/contracts';
import type { WebhookDelivery } from '@mediakiln/entities';
import { DataSource } from 'typeorm';
import { DeliveryClock } from './delivery.schedule';
import {
  CLAIM_DELIVERIES,
  DISABLE_GONE,
  DROP_DELIVERY,
  DROP_PENDING,
  FREEZE_BODY,
  GIVE_CLAIM_BACK,
  RECORD_TRY,
} from './delivery.sql';

/** Longer than a try can last. A gateway that dies leaves its deliveries to the others after it. */
const CLAIM_SECONDS = 60;

export type ClaimedDelivery = Pick<
  WebhookDelivery,
  | 'id'
  | 'owner_id'
  | 'endpoint_id'
  | 'event_type'
  | 'job_id'
  | 'batch_id'
  | 'body'
  | 'attempts'
  | 'created_at'
> & {
  /** Whose it is: what is written without it is refused. */
  claim: string;
  /** The time of this try. */
  at: Date;
  url: string;
  is_disabled: boolean;
};

/** What a call came to. */
export interface Answered {
  /** Null: there was no answer, and `error` says why. */
  status: number | null;
  error: ErrorCode | null;
  duration_ms: number;
}

export interface Verdict {
  status: Extract<DeliveryStatus, 'pending' | 'delivered' | 'failed'>;
  nextInSeconds: number | null;
  isGone: boolean;
}

/** The rows of deliveries while they are being sent. */
@Injectable()
export class DeliveryStore {
  constructor(
    private readonly database: DataSource,
    private readonly clock: DeliveryClock,
  ) {}

  /** @param calls under way here, by owner. */
  claim(free: number, perOwner: number, calls: ReadonlyMap<string, number>): Promise<ClaimedDelivery[]> {
    return this.database.query<ClaimedDelivery[]>(CLAIM_DELIVERIES, [
      this.clock.aheadSeconds,
      free,
      perOwner,
      [...calls.keys()],
      [...calls.values()],
      CLAIM_SECONDS,
    ]);
  }

  /** In a commit of its own, before anything is sent. @returns null when the delivery is gone. */
  async freeze(id: string, body: string): Promise<string | null> {
    const [[row]] = await this.database.query<[{ body: string }[], number]>(FREEZE_BODY, [id, body]);
    return row?.body ?? null;
  }

  /** @returns whether the delivery was still ours. */
  async record(delivery: ClaimedDelivery, answered: Answered, verdict: Verdict): Promise<boolean> {
    const { aheadSeconds } = this.clock;
    return this.database.transaction(async (tx) => {
      // The endpoint first: of two calls that were answered alike, the second waits here and holds nothing.
      if (verdict.isGone) await tx.query(DISABLE_GONE, [delivery.endpoint_id]);
      const told = await tx.query<unknown[]>(RECORD_TRY, [
        aheadSeconds,
        delivery.id,
        delivery.claim,
        verdict.status,
        verdict.nextInSeconds,
        delivery.at,
        answered.duration_ms,
        answered.status,
        answered.error,
      ]);
      if (verdict.isGone) await tx.query(DROP_PENDING, [aheadSeconds, delivery.endpoint_id]);
      return told.length > 0;
    });
  }

  async drop(id: string, error: ErrorCode | null): Promise<void> {
    await this.database.query(DROP_DELIVERY, [this.clock.aheadSeconds, id, error]);
  }

  async giveBack({ id, claim }: ClaimedDelivery): Promise<void> {
    await this.database.query(GIVE_CLAIM_BACK, [id, claim]);
  }
}
