import type { Job, WebhookAttempt, WebhookDelivery } from '@mediakiln/entities';
import type { NewJob } from '@mediakiln/jobs';
import { uuidv7 } from 'uuidv7';
import { DeliveryLoop } from '../../apps/gateway/src/webhooks/delivery.loop';
import { DeliveryClock } from '../../apps/gateway/src/webhooks/delivery.schedule';
import { DeliverySender } from '../../apps/gateway/src/webhooks/delivery.sender';
import type { WithSecret } from '../../apps/gateway/src/webhooks/endpoints.service';
import { batchScene } from './batches';
import { type GatewayOptions, type RegisteredUser, type TestGateway, startGateway } from './gateway';
import { type Inbox, Receivers } from './receivers';
import { until } from './until';

export type Endpoint = Omit<WithSecret['endpoint'], 'secret'> & { secret: string; disabled: boolean };

/** A gateway that may call receivers of the test, and does so only when it is told of something: nothing is polled. */
export class WebhookScene {
  private constructor(
    readonly gateway: TestGateway,
    readonly receivers: Receivers,
    readonly owner: RegisteredUser,
  ) {}

  static async start(config: GatewayOptions['config'] = {}): Promise<WebhookScene> {
    const receivers = await new Receivers().start();
    const gateway = await startGateway({
      config: {
        fetchAllowCidrs: ['127.0.0.1/32'],
        fetchAllowPorts: [receivers.port],
        sweepSeconds: 3_600,
        ...config,
      },
    });
    return new WebhookScene(gateway, receivers, await gateway.register());
  }

  async close(): Promise<void> {
    await this.receivers.stop();
    await this.gateway.close();
  }

  get jobs() {
    return batchScene(this.gateway.database);
  }

  get sender(): DeliverySender {
    return this.gateway.app.get(DeliverySender);
  }

  /** Time passes, for deliveries alone. */
  pass(seconds: number): void {
    this.gateway.app.get(DeliveryClock).aheadSeconds += seconds;
    this.wake();
  }

  wake(): void {
    this.gateway.app.get(DeliveryLoop).wake();
  }

  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    json?: unknown,
    as = this.owner,
  ): Promise<{ status: number; body: T }> {
    const response = await fetch(`${this.gateway.url}/v1/webhooks${path}`, {
      method,
      headers: { ...as.authorization, ...(json !== undefined && { 'content-type': 'application/json' }) },
      body: JSON.stringify(json),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as T };
  }

  async endpoint(inbox: Pick<Inbox, 'url'>, more: object = {}, as = this.owner): Promise<Endpoint> {
    const { status, body } = await this.call<Endpoint>('POST', '', { url: inbox.url, ...more }, as);
    if (status !== 201) throw new Error(`no endpoint: ${JSON.stringify(body)}`);
    return body;
  }

  /** A job that has ended, as a worker ends it. */
  async endedJob(values: Partial<NewJob> = {}, ownerId = this.owner.user.id): Promise<Job> {
    const { insert, claim, complete, read } = this.jobs;
    const { id } = await insert({ owner_id: ownerId, id: uuidv7(), ...values });
    await complete((await claim())!);
    return read(id);
  }

  /** All deliveries of the database, oldest first. */
  deliveries(): Promise<WebhookDelivery[]> {
    return this.gateway.database.query('SELECT * FROM webhook_delivery ORDER BY id');
  }

  tries(deliveryId: string): Promise<WebhookAttempt[]> {
    return this.gateway.database.query(
      'SELECT * FROM webhook_attempt WHERE delivery_id = $1 ORDER BY attempt',
      [deliveryId],
    );
  }

  /** The delivery of this job, once so many tries were recorded. */
  tried(jobId: string, tries: number): Promise<WebhookDelivery> {
    const ofJob = async (): Promise<WebhookDelivery | undefined> =>
      (await this.deliveries()).find(({ job_id }) => job_id === jobId);
    return until(`${tries} tries to be recorded`, async () => {
      const delivery = await ofJob();
      return delivery && (await this.tries(delivery.id)).length >= tries && ofJob();
    });
  }
}
