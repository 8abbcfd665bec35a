import { setTimeout as sleep } from 'node:timers/promises';

export interface Told {
  status: number;
  type: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the expectations on it are the type check
  body: any;
}

/** Where a system had its two routes. */
export interface CsvSystem {
  upload: string;
  status: (requestId: string) => string;
  /** The words that its clients go on polling at. */
  unfinished: readonly string[];
}

export const SYSTEM_B: CsvSystem = {
  upload: '/upload/',
  status: (id) => `/status/${id}/`,
  unfinished: ['Pending', 'In Process'],
};
export const SYSTEM_C: CsvSystem = { ...SYSTEM_B, unfinished: ['Pending'] };
export const SYSTEM_D: CsvSystem = {
  upload: '/api/upload/',
  status: (id) => `/api/status/${id}/`,
  unfinished: ['pending'],
};

/** A client of the CSV systems, as their documentation has it: upload, then poll. All that is new to it is the token. */
export class CsvClient {
  constructor(
    private readonly url: string,
    private readonly system: CsvSystem,
    private readonly token: string,
  ) {}

  async upload(
    csv: string | null,
    fields: Record<string, string> = {},
    name = 'products.csv',
  ): Promise<Told> {
    const form = new FormData();
    for (const [field, value] of Object.entries(fields)) form.append(field, value);
    if (csv !== null) form.append('file', new Blob([csv], { type: 'text/csv' }), name);
    return this.call('POST', this.system.upload, form);
  }

  status(requestId: string): Promise<Told> {
    return this.call('GET', this.system.status(requestId));
  }

  /** @returns the last answer, and every word that was told on the way. */
  async poll(requestId: string): Promise<{ told: Told; words: string[] }> {
    const words: string[] = [];
    for (const deadline = performance.now() + 60_000; performance.now() < deadline; await sleep(50)) {
      const told = await this.status(requestId);
      words.push(told.body.status as string);
      if (!this.system.unfinished.includes(words.at(-1)!)) return { told, words: [...new Set(words)] };
    }
    throw new Error(`request ${requestId} is still ${words.at(-1)}`);
  }

  async call(method: string, path: string, body?: FormData): Promise<Told> {
    const headers = { authorization: `Token ${this.token}` };
    const response = await fetch(this.url + path, { method, headers, body });
    return {
      status: response.status,
      type: response.headers.get('content-type') ?? '',
      body: await response.json(),
    };
  }
}
