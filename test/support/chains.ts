import { randomUUID } from 'node:crypto';
import { AppError } from '@mediakiln/contracts';
import { Job, WebhookDelivery } from '@mediakiln/entities';
import { JobStore } from '@mediakiln/jobs';
import { type Answer, Client } from './client';
import type { TestGateway } from './gateway';
import { givenImage } from './given-image';
import { givenVideo } from './given-video';

/** Three jobs: the last two steps are one. */
export const STEPS = [
  { operation: 'video.trim', params: { start_time: 1, end_time: 2 } },
  { operation: 'video.poster' },
  { operation: 'image.resize', params: { width: 100 } },
  { operation: 'image.watermark' },
];
export const STEP_JOBS = ['video.trim', 'video.poster', 'image.steps'];

/** A job as far as its chain is concerned. */
export interface ChainJob {
  id: string;
  status: string;
  events: { reason: string }[];
  error: { code: string; detail: string } | null;
  chain: { id: string; step: number; steps: { job_id: string; operation: string; status: string }[] };
}

/** A client who asks for chains, and workers whose word stands for what they do. */
export class ChainScene {
  private constructor(
    private readonly gateway: TestGateway,
    readonly client: Client,
    readonly clip: string,
    readonly mark: string,
  ) {}

  static async open(gateway: TestGateway): Promise<ChainScene> {
    const client = await Client.register(gateway.url);
    const { database } = gateway;
    return new ChainScene(
      gateway,
      client,
      await givenVideo(database, client.userId),
      await givenImage(database, client.userId),
    );
  }

  post(more: object = {}, headers = {}): Promise<Answer> {
    const inputs = [{ media_id: this.clip }, { media_id: this.mark }];
    return this.client.request('POST', '/v1/jobs', { json: { inputs, steps: STEPS, ...more }, headers });
  }

  async create(more: object = {}): Promise<{ last: ChainJob; ids: string[] }> {
    const { status, body } = await this.post(more);
    if (status !== 202) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
    const last = body as ChainJob;
    return { last, ids: last.chain.steps.map(({ job_id }) => job_id) };
  }

  async show(id: string): Promise<ChainJob> {
    return (await this.client.expect(200, 'GET', `/v1/jobs/${id}`)).body as ChainJob;
  }

  rows(): Promise<Job[]> {
    return this.gateway.database.getRepository(Job).find({ order: { id: 'ASC' } });
  }

  async statuses(): Promise<string[]> {
    return (await this.rows()).map(({ status }) => status);
  }

  /** Who is to be called of which job. */
  async calls(): Promise<[event: string, jobId: string | null][]> {
    const deliveries = this.gateway.database.getRepository(WebhookDelivery);
    return (await deliveries.find({ order: { id: 'ASC' } })).map(({ event_type, job_id }) => [
      event_type,
      job_id,
    ]);
  }

  get store(): JobStore {
    return this.gateway.app.get(JobStore);
  }

  async claim(): Promise<Job> {
    for (const topic of ['video', 'video.quick', 'image'] as const) {
      const job = await this.store.claim(topic, STEP_JOBS, randomUUID());
      if (job) return job;
    }
    throw new Error('nothing is due');
  }

  /** @returns whether it could be. */
  async settle({ id, epoch, operation, purpose }: Job): Promise<boolean> {
    const settled = await this.store.settle({
      id,
      epoch,
      operation,
      purpose,
      to: 'completed',
      reason: 'done',
      outputs: [],
    });
    return settled !== null;
  }

  async complete(): Promise<Job> {
    const job = await this.claim();
    await this.settle(job);
    return job;
  }

  async fail(): Promise<Job> {
    const job = await this.claim();
    const error = new AppError('engine_crashed', 'no frame could be read');
    await this.store.settle({ id: job.id, epoch: job.epoch, to: 'failed', reason: 'error', error });
    return job;
  }
}
