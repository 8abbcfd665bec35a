import { text } from 'node:stream/consumers';
import { type HttpHost, startHttpHost } from './http-host';

/** One call of a webhook. */
export interface Told {
  /** Its `webhook-id`. */
  id: string;
  type: string;
  /** The job or the batch. */
  about: string;
  body: string;
}

/** A client's receiver of webhooks, and its ledger of all calls, repeated ones too. */
export class ToldLedger {
  readonly calls: Told[] = [];
  /** Whether the first call of the n-th message is taken and never answered. */
  isSilent: (n: number) => boolean = () => false;

  private constructor(private readonly host: HttpHost) {}

  static async start(): Promise<ToldLedger> {
    const host = await startHttpHost((request, response) => {
      void text(request).then((body) => {
        const isAnswered = ledger.take(String(request.headers['webhook-id']), body);
        if (isAnswered) response.writeHead(204).end();
      });
    });
    const ledger = new ToldLedger(host);
    return ledger;
  }

  get url(): string {
    return `${this.host.url}/hook`;
  }

  get port(): number {
    return this.host.port;
  }

  /** What is left to a receiver that drops a message whose id it knows. */
  once(): Told[] {
    return [...new Map(this.calls.map((call) => [call.id, call])).values()];
  }

  close(): Promise<void> {
    return this.host.close();
  }

  /** @returns whether it is answered. */
  private take(id: string, body: string): boolean {
    const before = this.once();
    const isFirst = before.every((known) => known.id !== id);
    const { type, data } = JSON.parse(body) as { type: string; data: { id: string } };
    this.calls.push({ id, type, about: data.id, body });
    return !isFirst || !this.isSilent(before.length);
  }
}
