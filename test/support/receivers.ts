import { type IncomingHttpHeaders, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

export interface ReceivedCall {
  headers: IncomingHttpHeaders;
  body: string;
}

/** A status; `hang`: no answer; or a redirect. */
export type ReceiverAnswer = number | 'hang' | { redirect: string };

export class Inbox {
  readonly calls: ReceivedCall[] = [];

  constructor(
    readonly url: string,
    private readonly answers: ReceiverAnswer[],
  ) {}

  /** The next in the list; the last one again and again. */
  take(call: ReceivedCall): ReceiverAnswer {
    this.calls.push(call);
    return this.answers[Math.min(this.calls.length, this.answers.length) - 1]!;
  }

  /** What the call says, when the official library takes it at the time for which it was signed. */
  verified(secret: string, index = 0): { type: string; timestamp: string; data: Record<string, unknown> } {
    const call = this.calls[index]!;
    const signedAtMs = Number(call.headers['webhook-timestamp']) * 1_000;
    const now = jest.spyOn(Date, 'now').mockReturnValue(signedAtMs);
    try {
      return verify(secret, call) as ReturnType<Inbox['verified']>;
    } finally {
      now.mockRestore();
    }
  }
}

/** @throws WebhookVerificationError */
export const verify = (secret: string, { body, headers }: ReceivedCall): unknown =>
  new Webhook(secret).verify(body, headers as Record<string, string>);

/** Where webhooks are received: a real server with an inbox at each path. */
export class Receivers {
  private readonly inboxes = new Map<string, Inbox>();
  private readonly server: Server;
  port = 0;

  constructor() {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const call = { headers: request.headers, body: Buffer.concat(chunks).toString() };
        const answer = this.inboxes.get(request.url!)?.take(call) ?? 404;
        if (answer === 'hang') return;
        if (typeof answer === 'number') response.writeHead(answer);
        else response.writeHead(302, { location: answer.redirect });
        response.end();
      });
    });
  }

  /** @param port to come back where it was. */
  async start(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  /** @param answers without any: 204. */
  inbox(...answers: ReceiverAnswer[]): Inbox {
    const path = `/${this.inboxes.size}`;
    const inbox = new Inbox(`http://127.0.0.1:${this.port}${path}`, answers.length === 0 ? [204] : answers);
    this.inboxes.set(path, inbox);
    return inbox;
  }
}
