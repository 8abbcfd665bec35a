import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { WebhookAttempt, WebhookDelivery, WebhookEndpoint } from '@mediakiln/entities';
import { DataSource, LessThan } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { decodeIdCursor } from '../http/page';
import { webhookBody } from '../present/webhook.body';
import { DeliveryClock } from './delivery.schedule';
import { DeliveryLoop } from './delivery.loop';
import { REDELIVER } from './delivery.sql';
import type { DeliveryListQuery } from './webhooks.dto';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TEST_MESSAGE = 'A test, asked for by hand. Nothing has happened.';

/** The owner's side of deliveries: the log, and sending by hand. */
@Injectable()
export class DeliveriesService {
  constructor(
    private readonly database: DataSource,
    private readonly loop: DeliveryLoop,
    private readonly clock: DeliveryClock,
  ) {}

  /** `limit + 1` deliveries, newest first. @throws AppError invalid_cursor */
  list(
    ownerId: string,
    { limit, cursor, endpoint_id, status }: DeliveryListQuery,
  ): Promise<WebhookDelivery[]> {
    const before = decodeIdCursor(cursor);
    return this.database.manager.find(WebhookDelivery, {
      where: {
        owner_id: ownerId,
        ...(before && { id: LessThan(before) }),
        ...(endpoint_id && { endpoint_id }),
        ...(status && { status }),
      },
      order: { id: 'DESC' },
      take: limit + 1,
    });
  }

  /** `latest` is the caller's newest. @throws AppError not_found */
  async find(ownerId: string, id: string): Promise<WebhookDelivery> {
    const named = id === 'latest' ? {} : UUID.test(id) ? { id } : undefined;
    const delivery =
      named &&
      (await this.database.manager.findOne(WebhookDelivery, {
        where: { owner_id: ownerId, ...named },
        order: { id: 'DESC' },
      }));
    if (!delivery) throw new AppError('not_found', 'There is no webhook delivery with this id');
    return delivery;
  }

  /** Oldest first. */
  tries({ id }: WebhookDelivery): Promise<WebhookAttempt[]> {
    return this.database.manager.find(WebhookAttempt, {
      where: { delivery_id: id },
      order: { attempt: 'ASC' },
    });
  }

  /** @throws AppError webhook_endpoint_disabled */
  async test(endpoint: WebhookEndpoint): Promise<WebhookDelivery> {
    assertEnabled(endpoint);
    const id = uuidv7();
    const body = webhookBody(
      { event_type: 'test', created_at: new Date() },
      { endpoint_id: endpoint.id, message: TEST_MESSAGE },
    );
    const { manager } = this.database;
    const { id: endpoint_id, owner_id } = endpoint;
    await manager.insert(WebhookDelivery, { id, owner_id, endpoint_id, event_type: 'test', body });
    this.loop.wake();
    return manager.findOneByOrFail(WebhookDelivery, { id });
  }

  /**
   * The same message once more: its id and its body stay, so that a receiver that had it can tell; its tries begin anew.
   * @throws AppError webhook_endpoint_disabled, conflict
   */
  async redeliver(ownerId: string, id: string): Promise<WebhookDelivery> {
    const { manager } = this.database;
    const delivery = await this.find(ownerId, id);
    if (delivery.endpoint_id !== null)
      assertEnabled(await manager.findOneByOrFail(WebhookEndpoint, { id: delivery.endpoint_id }));
    const [, again] = await this.database.query<[unknown, number]>(REDELIVER, [
      this.clock.aheadSeconds,
      delivery.id,
    ]);
    if (again === 0) throw new AppError('conflict', 'The delivery is being sent at this moment');
    this.loop.wake();
    return manager.findOneByOrFail(WebhookDelivery, { id: delivery.id });
  }
}

function assertEnabled({ disabled_at, disabled_reason }: WebhookEndpoint): void {
  if (disabled_at === null) return;
  const reason = disabled_reason === 'gone' ? 'it answered 410' : 'you disabled it';
  throw new AppError(
    'webhook_endpoint_disabled',
    `The endpoint is disabled since ${disabled_at.toISOString()}: ${reason}`,
  );
}
