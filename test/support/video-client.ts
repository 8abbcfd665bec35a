import { setTimeout as sleep } from 'node:timers/promises';

export interface Told {
  status: number;
  headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the expectations on it are the type check
  body: any;
}

export interface Video {
  id: string;
  name: string;
  duration: number;
  size: number;
  file: string;
  uploaded_at: string;
}

export interface Chunk {
  number: number;
  total: number;
  fileId: string;
  bytes: Buffer;
  name?: string;
}

const DEADLINE_MS = 120_000;

/**
 * A client of the video API, as its documentation has it: a token for name and password, uploads whole and in chunks,
 * tasks that are polled, links. All addresses end in a slash, all words are that system's.
 */
export class VideoClient {
  private constructor(
    readonly host: string,
    readonly token: string,
  ) {}

  static with(host: string, token: string): VideoClient {
    return new VideoClient(host, token);
  }

  /** @param as how the credentials are sent. */
  static async logIn(
    host: string,
    credentials: { username: string; password: string },
    as: 'json' | 'form' = 'json',
  ): Promise<VideoClient> {
    const told = await toldBy(
      await fetch(`${host}/api-token-auth/`, { method: 'POST', ...bodyOf(credentials, as) }),
    );
    if (told.status !== 200) throw new Error(`no token: ${told.status} ${JSON.stringify(told.body)}`);
    return new VideoClient(host, told.body.token as string);
  }

  upload(bytes: Buffer, name: string, limits: Record<string, string> = {}): Promise<Told> {
    const form = new FormData();
    for (const [field, value] of Object.entries(limits)) form.append(field, value);
    form.append('file', blob(bytes), name);
    return this.call('POST', '/api/videos/upload/', { body: form });
  }

  async uploaded(bytes: Buffer, name: string): Promise<Video> {
    return expecting(201, await this.upload(bytes, name)) as Video;
  }

  chunk({ number, total, fileId, bytes, name = 'movie.mp4' }: Chunk): Promise<Told> {
    const form = new FormData();
    form.append('chunk_number', String(number));
    form.append('total_chunks', String(total));
    form.append('file_id', fileId);
    form.append('file_name', name);
    form.append('chunk', blob(bytes), 'blob');
    return this.call('POST', '/api/videos/chunked_upload/', { body: form });
  }

  async trim(id: string, start: number | string, end: number | string, as: 'json' | 'form' = 'json') {
    const told = await this.call(
      'POST',
      `/api/videos/${id}/trim/`,
      bodyOf({ start_time: start, end_time: end }, as),
    );
    return expecting(202, told) as { task_id: string; message: string };
  }

  async merge(ids: string[]): Promise<{ task_id: string; message: string }> {
    const told = await this.call('POST', '/api/videos/merge/', bodyOf({ video_ids: ids }, 'json'));
    return expecting(202, told) as { task_id: string; message: string };
  }

  async task(id: string): Promise<Told['body']> {
    return expecting(200, await this.call('GET', `/api/videos/tasks/${id}/status/`));
  }

  /** Polls to the end. @returns the last answer, and every one that was told on the way. */
  async finished(taskId: string): Promise<{ last: Told['body']; seen: Told['body'][] }> {
    const seen: Told['body'][] = [];
    for (const deadline = performance.now() + DEADLINE_MS; performance.now() < deadline; await sleep(50)) {
      seen.push(await this.task(taskId));
      if (['SUCCESS', 'FAILURE'].includes(seen.at(-1).status as string)) return { last: seen.at(-1), seen };
    }
    throw new Error(`task ${taskId} is still ${JSON.stringify(seen.at(-1))}`);
  }

  async share(id: string, body?: { expiry_time?: number | string }): Promise<string> {
    const told = await this.call('POST', `/api/videos/${id}/share/`, body && bodyOf(body, 'json'));
    return (expecting(200, told) as { link: string }).link;
  }

  async list(): Promise<Video[]> {
    return expecting(200, await this.call('GET', '/api/videos/list/')) as Video[];
  }

  async call(
    method: string,
    path: string,
    { body, headers }: Pick<RequestInit, 'body' | 'headers'> = {},
  ): Promise<Told> {
    const response = await fetch(this.host + path, {
      method,
      body,
      headers: { ...(headers as Record<string, string>), Authorization: `Token ${this.token}` },
    });
    return toldBy(response);
  }
}

export function bodyOf(
  fields: Record<string, unknown>,
  as: 'json' | 'form' | 'multipart',
): { body: string | URLSearchParams | FormData; headers?: Record<string, string> } {
  if (as === 'json') return { body: JSON.stringify(fields), headers: { 'content-type': 'application/json' } };
  const form = as === 'form' ? new URLSearchParams() : new FormData();
  for (const [name, value] of Object.entries(fields))
    for (const one of [value].flat()) form.append(name, String(one));
  return { body: form };
}

function expecting(status: number, told: Told): unknown {
  if (told.status !== status)
    throw new Error(`answered ${told.status} instead of ${status}: ${JSON.stringify(told.body)}`);
  return told.body;
}

async function toldBy(response: Response): Promise<Told> {
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const blob = (bytes: Buffer): Blob => new Blob([new Uint8Array(bytes)], { type: 'application/octet-stream' });
