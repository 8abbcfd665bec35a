import type { Client } from './client';

export interface StreamedEvent {
  id: string;
  type: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the expectations on it are the type check
  data: any;
}

/** Reads a job's server-sent events until the server ends the stream. */
export async function follow(client: Client, url: string, lastEventId?: string): Promise<StreamedEvent[]> {
  const headers = lastEventId === undefined ? undefined : { 'last-event-id': lastEventId };
  const { bytes } = await client.expect(200, 'GET', url, { headers });
  return eventsIn(bytes.toString('utf8'));
}

/** Of as much of a stream as came; comments are left out. */
export function eventsIn(text: string): StreamedEvent[] {
  return text.split('\n\n').flatMap((block) => {
    const fields = new Map(
      block.split('\n').map((line) => [line.split(':', 1)[0], line.slice(line.indexOf(':') + 1).trim()]),
    );
    const data = fields.get('data');
    if (data === undefined) return [];
    return [{ id: fields.get('id') ?? '', type: fields.get('event') ?? 'message', data: JSON.parse(data) }];
  });
}

/** A stream of events that is read while it is open. */
export class LiveEvents {
  private text = '';
  private readonly hangUp = new AbortController();
  /** The stream broke off instead of ending. */
  isBroken = false;
  /** Resolves when the server has ended the stream, or broken it off. */
  readonly ended: Promise<void>;

  private constructor(readonly response: Response) {
    this.ended = this.read();
  }

  /** Resolves with the head of the answer, whatever its status. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<LiveEvents> {
    const hangUp = new AbortController();
    const live = new LiveEvents(await fetch(url, { headers, signal: hangUp.signal }));
    live.hangUp.signal.addEventListener('abort', () => hangUp.abort());
    return live;
  }

  /** Whole events only: what follows the last empty line is still on its way. */
  get events(): StreamedEvent[] {
    return eventsIn(this.text.slice(0, this.text.lastIndexOf('\n\n') + 2));
  }

  get comments(): string[] {
    return [...this.text.matchAll(/^: (.*)$/gm)].map(([, comment]) => comment!);
  }

  close(): void {
    this.hangUp.abort();
  }

  private async read(): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of this.response.body ?? [])
        this.text += decoder.decode(chunk, { stream: true });
    } catch {
      this.isBroken = true;
    }
  }
}
