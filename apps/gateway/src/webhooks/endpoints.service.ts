import { Injectable } from '@nestjs/common';
import { AppError } from '@mediakiln/contracts';
import { WebhookEndpoint } from '@mediakiln/entities';
import { DataSource, type EntityManager, IsNull, LessThan, Not } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { type PageQuery, decodeIdCursor } from '../http/page';
import { DeliveryClock } from './delivery.schedule';
import { DROP_PENDING } from './delivery.sql';
import { SigningSecrets } from './signing.secrets';
import { WebhookSecrets } from './webhook.secrets';
import type { WebhookEndpointChange, WebhookEndpointRequest } from './webhooks.dto';

/** Each event is a row for each of them. */
const MOST_ENDPOINTS = 20;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface WithSecret {
  endpoint: WebhookEndpoint;
  /** Nobody can be told again. */
  secret: string;
}

/** The owner's side of endpoints. The one without an address, which signs for requests, is not among them. */
@Injectable()
export class EndpointsService {
  constructor(
    private readonly database: DataSource,
    private readonly secrets: WebhookSecrets,
    private readonly signing: SigningSecrets,
    private readonly clock: DeliveryClock,
  ) {}

  /** @throws AppError too_many_endpoints */
  async create(ownerId: string, request: WebhookEndpointRequest): Promise<WithSecret> {
    const [id, secret] = [uuidv7(), this.secrets.make()];
    const { url, events = ['*'], description = '' } = request;
    const endpoint = await this.database.transaction(async (tx) => {
      // The owner's row is held: two requests at once cannot both take the last place, and a deletion waits.
      const [owner] = await tx.query<unknown[]>(
        'SELECT 1 FROM "user" WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE',
        [ownerId],
      );
      if (!owner) throw new AppError('unauthenticated', 'The account was deleted meanwhile');
      const count = await tx.countBy(WebhookEndpoint, { owner_id: ownerId, url: Not(IsNull()) });
      if (count >= MOST_ENDPOINTS)
        throw new AppError(
          'too_many_endpoints',
          `An account has at most ${MOST_ENDPOINTS} webhook endpoints, and you have ${count}: delete one first`,
        );
      const sealed = this.secrets.seal(id, secret);
      await tx.insert(WebhookEndpoint, { id, owner_id: ownerId, url, events, description, secret: sealed });
      return tx.findOneByOrFail(WebhookEndpoint, { id });
    });
    return { endpoint, secret };
  }

  /** `limit + 1` endpoints, newest first. @throws AppError invalid_cursor */
  list(ownerId: string, { limit, cursor }: PageQuery): Promise<WebhookEndpoint[]> {
    const before = decodeIdCursor(cursor);
    return this.database.manager.find(WebhookEndpoint, {
      where: { owner_id: ownerId, url: Not(IsNull()), ...(before && { id: LessThan(before) }) },
      order: { id: 'DESC' },
      take: limit + 1,
    });
  }

  /** `latest` is the caller's newest. @throws AppError not_found */
  async find(
    ownerId: string,
    id: string,
    tx: EntityManager = this.database.manager,
  ): Promise<WebhookEndpoint> {
    const named = id === 'latest' ? {} : UUID.test(id) ? { id } : undefined;
    const endpoint =
      named &&
      (await tx.findOne(WebhookEndpoint, {
        where: { owner_id: ownerId, url: Not(IsNull()), ...named },
        order: { id: 'DESC' },
      }));
    if (!endpoint) throw new AppError('not_found', 'There is no webhook endpoint with this id');
    return endpoint;
  }

  async change(ownerId: string, id: string, change: WebhookEndpointChange): Promise<WebhookEndpoint> {
    const { disabled, ...fields } = change;
    const words = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
    return this.database.transaction(async (tx) => {
      const endpoint = await this.find(ownerId, id, tx);
      if (Object.keys(words).length > 0) await tx.update(WebhookEndpoint, endpoint.id, words);
      if (disabled === true && endpoint.disabled_at === null) await this.disable(tx, endpoint.id);
      if (disabled === false)
        await tx.update(WebhookEndpoint, endpoint.id, { disabled_at: null, disabled_reason: null });
      return tx.findOneByOrFail(WebhookEndpoint, { id: endpoint.id });
    });
  }

  /** Its deliveries go with it. */
  async delete(ownerId: string, id: string): Promise<void> {
    const endpoint = await this.find(ownerId, id);
    await this.database.manager.delete(WebhookEndpoint, { id: endpoint.id });
  }

  async rotate(ownerId: string, id: string): Promise<WithSecret> {
    return this.database.transaction(async (tx) => this.changeSecret(tx, await this.find(ownerId, id, tx)));
  }

  /** Of what goes to the `webhook_url` of requests. */
  async rotateForRequests(ownerId: string): Promise<WithSecret> {
    return this.database.transaction(async (tx) =>
      this.changeSecret(tx, await this.signing.forRequests(ownerId, tx)),
    );
  }

  private async changeSecret(tx: EntityManager, { id }: WebhookEndpoint): Promise<WithSecret> {
    const secret = await this.signing.rotate(tx, id);
    return { endpoint: await tx.findOneByOrFail(WebhookEndpoint, { id }), secret };
  }

  private async disable(tx: EntityManager, id: string): Promise<void> {
    await tx.update(WebhookEndpoint, id, { disabled_at: () => 'now()', disabled_reason: 'by_owner' });
    await tx.query(DROP_PENDING, [this.clock.aheadSeconds, id]);
  }
}
