import { createHash } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface DemoMedia {
  id: string;
  status: 'processing' | 'ready' | 'failed';
  bytes: number;
  sha256: string;
  width: number | null;
  height: number | null;
  duration_seconds: number | null;
  probe: { kind: string; orientation?: number; has_icc_profile?: boolean; audio?: object | null } | null;
  error: { code: string; detail: string } | null;
  content_url: string;
}

export interface DemoJob {
  id: string;
  operation: string;
  status: string;
  outputs: DemoMedia[];
  error: { code: string; detail: string } | null;
}

const WAIT_SECONDS = 30;
const PATIENCE_MS = 300_000;

/** A client as anybody could write one: HTTP alone, nothing of ours imported. */
export class ApiClient {
  private authorization = '';

  constructor(private readonly url: string) {}

  async register(email: string, password: string): Promise<void> {
    await this.post('/v1/auth/register', { email, password });
    await this.login(email, password);
  }

  async login(email: string, password: string): Promise<void> {
    const { access_token } = await this.post<{ access_token: string }>('/v1/auth/login', { email, password });
    this.authorization = `Bearer ${access_token}`;
  }

  /** Resolves when the media is ready. */
  async upload(path: string, name: string, mimeType: string): Promise<DemoMedia> {
    const form = new FormData();
    form.set('file', await openAsBlob(path, { type: mimeType }), name);
    const media = await this.ask<DemoMedia>(`/v1/media?wait=${WAIT_SECONDS}`, { method: 'POST', body: form });
    return this.until(media, `/v1/media/${media.id}`, (now) => {
      if (now.status === 'failed') throw new Error(`${name}: ${now.error?.code}: ${now.error?.detail}`);
      return now.status === 'ready';
    });
  }

  submit(operation: string, media: DemoMedia, params: object): Promise<DemoJob> {
    return this.post('/v1/jobs', { operation, inputs: [{ media_id: media.id }], params });
  }

  /** Resolves with the one output of the job when it is completed. */
  async finished(id: string): Promise<DemoMedia> {
    const path = `/v1/jobs/${id}?wait=${WAIT_SECONDS}`;
    const job = await this.until(await this.get<DemoJob>(path), path, (now) => {
      if (now.status === 'failed' || now.status === 'canceled')
        throw new Error(`${now.operation} ${now.status}: ${now.error?.code}: ${now.error?.detail}`);
      return now.status === 'completed';
    });
    const [output] = job.outputs;
    if (!output) throw new Error(`${job.operation} completed without an output`);
    return output;
  }

  get<Answer>(path: string): Promise<Answer> {
    return this.ask(path);
  }

  /** Address of a public link that works for an hour. */
  async share(media: DemoMedia): Promise<string> {
    return (await this.post<{ url: string }>(`/v1/media/${media.id}/links`, { expiry_time: 3600 })).url;
  }

  private post<Answer>(path: string, body: object): Promise<Answer> {
    const headers = { 'content-type': 'application/json' };
    return this.ask(path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  private async until<Thing>(first: Thing, path: string, isDone: (thing: Thing) => boolean): Promise<Thing> {
    let thing = first;
    for (const deadline = performance.now() + PATIENCE_MS; !isDone(thing); await sleep(200)) {
      if (performance.now() > deadline) throw new Error(`${path} took more than ${PATIENCE_MS / 1000} s`);
      thing = await this.ask(path);
    }
    return thing;
  }

  private async ask<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
    const headers = { ...init.headers, ...(this.authorization && { authorization: this.authorization }) };
    const response = await fetch(this.url + path, { ...init, headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text) as Answer;
  }
}

/** Fetches without any header, as a browser that follows the address would. @returns hex SHA-256 and size */
export async function download(url: string): Promise<{ sha256: string; bytes: number }> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`GET ${url} answered ${response.status}`);
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}
