import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as it came in, with what its resource says. */
export interface CollectedSpan {
  service: string;
  pid: number;
  name: string;
  /** OTLP: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  attributes: Record<string, unknown>;
  links: { traceId: string; spanId: string }[];
  /** OTLP: 0 unset, 2 error. */
  status: { code?: number; message?: string };
}

interface KeyValue {
  key: string;
  value: Record<string, unknown>;
}

interface TracesRequest {
  resourceSpans: {
    resource: { attributes: KeyValue[] };
    scopeSpans: {
      spans: (Omit<CollectedSpan, 'service' | 'pid' | 'attributes'> & { attributes: KeyValue[] })[];
    }[];
  }[];
}

/** The receiving end of OTLP over HTTP, in JSON. */
export class OtlpCollector {
  readonly spans: CollectedSpan[] = [];
  requests = 0;
  /** What it answers; 0: nothing, ever. */
  status = 200;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<OtlpCollector> {
    const server = createServer();
    const collector = new OtlpCollector(server);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        collector.requests += 1;
        if (collector.status === 200) collector.take(request.url ?? '', Buffer.concat(chunks));
        if (collector.status === 0) return;
        response.writeHead(collector.status, { 'content-type': 'application/json' }).end('{}');
      });
    });
    await new Promise<void>((resolve, reject) =>
      server.once('error', reject).listen(0, '127.0.0.1', resolve),
    );
    return collector;
  }

  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  ofTrace(traceId: string): CollectedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private take(url: string, body: Buffer): void {
    if (url !== '/v1/traces') throw new Error(`a collector was asked for ${url}`);
    const { resourceSpans } = JSON.parse(body.toString('utf8')) as TracesRequest;
    for (const { resource, scopeSpans } of resourceSpans) {
      const { 'service.name': service, 'process.pid': pid } = recordOf(resource.attributes);
      for (const { spans } of scopeSpans)
        for (const span of spans)
          this.spans.push({
            ...span,
            service: String(service),
            pid: Number(pid),
            attributes: recordOf(span.attributes),
            links: span.links ?? [],
          });
    }
  }
}

const recordOf = (pairs: readonly KeyValue[]): Record<string, unknown> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]));
