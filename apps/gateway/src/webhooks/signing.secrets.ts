import { Injectable } from '@nestjs/common';
import { WebhookEndpoint } from '@mediakiln/entities';
import { DataSource, type EntityManager, IsNull } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { DeliveryClock } from './delivery.schedule';
import { WebhookSecrets } from './webhook.secrets';

/** After a change the old secret signs along for so long. */
const PREVIOUS_SIGNS_HOURS = 24;

/** $1 endpoint, $2 new secret, sealed. */
const ROTATE = `
UPDATE webhook_endpoint SET previous_secret = secret, secret = $2,
  previous_secret_until = now() + interval '${PREVIOUS_SIGNS_HOURS} hours'
WHERE id = $1`;

/** Two gateways may want it at the same time. $1 id, $2 owner, $3 secret, sealed. */
const MAKE_FOR_REQUESTS = `
INSERT INTO webhook_endpoint (id, owner_id, events, secret) VALUES ($1, $2, '{}', $3)
ON CONFLICT (owner_id) WHERE url IS NULL DO NOTHING`;

/** Which secrets sign what goes to an endpoint, and their change. */
@Injectable()
export class SigningSecrets {
  constructor(
    private readonly database: DataSource,
    private readonly secrets: WebhookSecrets,
    private readonly clock: DeliveryClock,
  ) {}

  /**
   * @param endpointId null: of what goes to an address that a request gave.
   * @returns none when they cannot be read, since JWT_SECRET is another one now, or when the endpoint is gone.
   */
  async of(ownerId: string, endpointId: string | null): Promise<string[]> {
    const endpoint = endpointId === null ? await this.forRequests(ownerId) : await this.find(endpointId);
    if (!endpoint) return [];
    const { id, secret, previous_secret, previous_secret_until } = endpoint;
    const isPreviousGood = (previous_secret_until?.getTime() ?? 0) > this.nowMs();
    return [secret, isPreviousGood ? previous_secret : null]
      .map((sealed) => sealed && this.secrets.open(id, sealed))
      .filter((one): one is string => typeof one === 'string');
  }

  /** @returns the new secret, which is shown this once. */
  async rotate(tx: EntityManager, endpointId: string): Promise<string> {
    const secret = this.secrets.make();
    await tx.query(ROTATE, [endpointId, this.secrets.seal(endpointId, secret)]);
    return secret;
  }

  /** The endpoint without an address, one of each owner, made when it is first needed. */
  async forRequests(ownerId: string, tx: EntityManager = this.database.manager): Promise<WebhookEndpoint> {
    const where = { owner_id: ownerId, url: IsNull() };
    const known = await tx.findOneBy(WebhookEndpoint, where);
    if (known) return known;
    const id = uuidv7();
    await tx.query(MAKE_FOR_REQUESTS, [id, ownerId, this.secrets.seal(id, this.secrets.make())]);
    return tx.findOneByOrFail(WebhookEndpoint, where);
  }

  private find(id: string): Promise<WebhookEndpoint | null> {
    return this.database.manager.findOneBy(WebhookEndpoint, { id });
  }

  private nowMs(): number {
    return Date.now() + this.clock.aheadSeconds * 1_000;
  }
}
