import { createHash, randomUUID } from 'node:crypto';

export interface Media {
  id: string;
  status: 'processing' | 'ready' | 'failed';
  kind: string;
  name: string;
  mime_type: string;
  bytes: number;
  sha256: string;
  width: number | null;
  height: number | null;
  duration_seconds: number | null;
  probe: Record<string, unknown> | null;
  parent_ids: string[];
  placeholder: string | null;
  job_id: string | null;
  content_url: string;
  error: { code: string; detail: string } | null;
}

export interface Job {
  id: string;
  operation: string;
  status: 'pending' | 'processing' | 'completed' | 'failed' | 'canceled';
  progress: { percent: number; stage: string; eta_seconds: number | null };
  outputs: Media[];
  report: Record<string, unknown> | null;
  error: { code: string; message: string; detail: string } | null;
  attempts: number;
  events: { status: string; attempt: number; reason: string; at: string }[];
  events_url: string;
  chain: { id: string; step: number; steps: { job_id: string; operation: string; status: string }[] } | null;
}

export interface Link {
  id: string;
  url: string;
  media_id: string;
  expires_at: string;
  revoked_at: string | null;
}

export interface JobAsk {
  /** This, with `params`, or `steps`. */
  operation?: string;
  steps?: {
    operation: string;
    params?: Record<string, unknown>;
    input?: number;
    inputs?: { step?: number; input?: number; output?: string }[];
  }[];
  inputs: ({ media_id: string } | { url: string })[];
  params?: Record<string, unknown>;
  delay_seconds?: number;
  webhook_url?: string;
}

/** An answer, read whole. `body` is parsed where it is JSON. */
export interface Answer {
  status: number;
  headers: Headers;
  bytes: Buffer;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the expectations on it are the type check
  body: any;
}

export interface Ask {
  json?: unknown;
  body?: RequestInit['body'];
  headers?: Record<string, string>;
  /** Default: redirects are followed. */
  redirect?: 'manual';
  /** Reads nothing of an event stream, which may not end by itself. */
  isHeadOfStream?: boolean;
}

/** The request was answered, with another status than the caller can use. */
export class Refused extends Error {
  constructor(
    what: string,
    readonly answer: Answer,
  ) {
    super(`${what} answered ${answer.status}: ${answer.bytes.toString('utf8').slice(0, 500)}`);
  }
}

const ANSWER_WITHIN_MS = 70_000;
const WAIT_SECONDS = 20;

/** One account, and a ledger of what was accepted from it: only this ledger says what must not be lost. */
export class Client {
  readonly uploads: { id: string; sha256: string }[] = [];
  readonly jobs: string[] = [];

  private constructor(
    readonly baseUrl: string,
    private readonly token: string,
    readonly userId: string,
  ) {}

  static async register(baseUrl: string): Promise<Client> {
    const email = `${randomUUID()}@example.com`;
    const answer = await send(`${baseUrl}/v1/auth/register`, 'POST', {
      json: { email, password: 'correct horse battery' },
    });
    if (answer.status !== 201) throw new Refused('POST /v1/auth/register', answer);
    return new Client(baseUrl, answer.body.access_token as string, answer.body.user.id as string);
  }

  /** The same account by an API key, which outlasts the quarter of an hour of a login's token. */
  async withKey(): Promise<Client> {
    const json = { name: 'a long test', scopes: ['*'] };
    const { body } = await this.expect(201, 'POST', '/v1/api-keys', { json });
    return new Client(this.baseUrl, body.key as string, this.userId);
  }

  /** To spread into `headers`. */
  get authorization(): { authorization: string } {
    return { authorization: `Bearer ${this.token}` };
  }

  /** @param path also a whole URL. */
  request(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    const headers = { ...this.authorization, ...ask.headers };
    return send(new URL(path, this.baseUrl).toString(), method, { ...ask, headers });
  }

  async expect(status: number, method: string, path: string, ask: Ask = {}): Promise<Answer> {
    const answer = await this.request(method, path, ask);
    if (answer.status !== status) throw new Refused(`${method} ${path}`, answer);
    return answer;
  }

  /** As an upload form does it. @param query such as `?wait=20` */
  async upload(bytes: Buffer, name: string, query = ''): Promise<Media> {
    const answer = await this.expect(201, 'POST', `/v1/media${query}`, { body: formWith(bytes, name) });
    const media = answer.body as Media;
    this.uploads.push({ id: media.id, sha256: createHash('sha256').update(bytes).digest('hex') });
    return media;
  }

  /** Uploads and waits until it was probed. */
  async uploadReady(bytes: Buffer, name: string): Promise<Media> {
    const { id } = await this.upload(bytes, name);
    return this.settledMedia(id);
  }

  async settledMedia(id: string): Promise<Media> {
    for (const deadline = performance.now() + ANSWER_WITHIN_MS; ;) {
      const media = (await this.expect(200, 'GET', `/v1/media/${id}`)).body as Media;
      if (media.status !== 'processing') return media;
      if (performance.now() > deadline) throw new Error(`media ${id} is still being probed`);
      await this.waitJob(media.job_id!);
    }
  }

  async createJob(ask: JobAsk): Promise<Job> {
    const { body } = await this.expect(202, 'POST', '/v1/jobs', { json: ask });
    this.jobs.push((body as Job).id);
    return body as Job;
  }

  async job(id: string, query = ''): Promise<Job> {
    return (await this.expect(200, 'GET', `/v1/jobs/${id}${query}`)).body as Job;
  }

  /** Long-polls until the job has ended. */
  async waitJob(id: string, limitMs = 120_000): Promise<Job> {
    for (const deadline = performance.now() + limitMs; ;) {
      const job = await this.job(id, `?wait=${WAIT_SECONDS}`);
      if (['completed', 'failed', 'canceled'].includes(job.status)) return job;
      if (performance.now() > deadline)
        throw new Error(`job ${id} is still ${job.status}: ${JSON.stringify(job.events)}`);
    }
  }

  async run(ask: JobAsk): Promise<Job> {
    return this.waitJob((await this.createJob(ask)).id);
  }

  async download(media: Pick<Media, 'id'>): Promise<Buffer> {
    return (await this.expect(200, 'GET', `/v1/media/${media.id}/content`)).bytes;
  }

  async link(mediaId: string, expiry_time: number): Promise<Link> {
    const { body } = await this.expect(201, 'POST', `/v1/media/${mediaId}/links`, { json: { expiry_time } });
    return body as Link;
  }
}

export function formWith(bytes: Buffer, name: string): FormData {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(bytes)]), name);
  return form;
}

/** A request without an account. */
export async function send(url: string, method: string, ask: Ask = {}): Promise<Answer> {
  const isJson = ask.json !== undefined;
  const response = await fetch(url, {
    method,
    headers: { ...(isJson && { 'content-type': 'application/json' }), ...ask.headers },
    body: isJson ? JSON.stringify(ask.json) : ask.body,
    redirect: ask.redirect,
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
  const isLeft = ask.isHeadOfStream === true && isStream === true;
  if (isLeft) await response.body?.cancel();
  const bytes = isLeft ? Buffer.alloc(0) : Buffer.from(await response.arrayBuffer());
  const isJsonAnswer = /json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    body: isJsonAnswer && bytes.length > 0 ? (JSON.parse(bytes.toString('utf8')) as unknown) : undefined,
  };
}
