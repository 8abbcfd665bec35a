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
  return bytes
    .toString('utf8')
    .split('\n\n')
    .flatMap((block) => {
      const fields = new Map(
        block.split('\n').map((line) => [line.split(':', 1)[0], line.slice(line.indexOf(':') + 1).trim()]),
      );
      const data = fields.get('data');
      if (data === undefined) return [];
      return [{ id: fields.get('id') ?? '', type: fields.get('event') ?? 'message', data: JSON.parse(data) }];
    });
}
