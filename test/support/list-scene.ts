import { Batch, BatchImage, Job } from '@mediakiln/entities';
import { BatchInsertion } from '../../apps/gateway/src/batches/batch.insertion';
import { type Answer, send } from './client';
import { type GatewayOptions, type RegisteredUser, type TestGateway, startGateway } from './gateway';
import { HEADER } from './lists';
import { fileForm, filesOnDisk } from './multipart';

export const listOf = (...lines: string[]): string => [HEADER, ...lines].join('\n');

/** A gateway that takes lists, and a user who has some. */
export class ListScene {
  private constructor(
    readonly gateway: TestGateway,
    public user: RegisteredUser,
  ) {}

  static async start(options?: GatewayOptions): Promise<ListScene> {
    const gateway = await startGateway(options);
    return new ListScene(gateway, await gateway.register());
  }

  async newUser(): Promise<void> {
    this.user = await this.gateway.register();
  }

  close(): Promise<void> {
    return this.gateway.close();
  }

  upload(
    list: string | Buffer,
    fields: Record<string, string> = {},
    { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const body = fileForm(Buffer.from(list as string), 'products.csv');
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    return this.post(body, headers, query);
  }

  post(body: RequestInit['body'], headers: Record<string, string> = {}, query = ''): Promise<Answer> {
    return send(`${this.gateway.url}/v1/batches${query}`, 'POST', {
      body,
      headers: { ...this.user.authorization, ...headers },
    });
  }

  async filesOnDisk(): Promise<number> {
    return (await filesOnDisk(this.gateway)).length;
  }

  batches(): Promise<Batch[]> {
    return this.gateway.database.manager.findBy(Batch, { owner_id: this.user.user.id });
  }

  images(batchId: string): Promise<BatchImage[]> {
    return this.gateway.database.manager.find(BatchImage, {
      where: { batch_id: batchId },
      order: { row: 'ASC', position: 'ASC' },
    });
  }

  jobs(batchId: string): Promise<Job[]> {
    return this.gateway.database.manager.findBy(Job, { batch_id: batchId });
  }

  get insertion(): BatchInsertion {
    return this.gateway.app.get(BatchInsertion);
  }

  /** When this gateway inserts nothing any more. */
  inserted(): Promise<void> {
    return this.insertion.idle();
  }
}
