import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-node';
import { withoutTrailingSlashes } from '@mediakiln/contracts';
import type { Log } from './logger';
import { parseTraceparent } from './traceparent';
import type { SpanAsk, SpanMaker } from './tracing';

// The queue is bounded: when the collector is away, the newest spans are dropped and the work goes on.
const QUEUE_SPANS = 2_048;
const EXPORT_EVERY_MS = 1_000;
const EXPORT_WITHIN_MS = 5_000;
const SUCCESS = 0;

const KINDS = {
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} satisfies Record<NonNullable<SpanAsk['kind']>, SpanKind>;

export interface TracingSdk extends SpanMaker {
  /** Sends what is waiting, and ends. */
  stop(): Promise<void>;
}

/** The only file that loads the OpenTelemetry SDK; it is loaded only when there is a collector to send to. */
export function startSdk(endpoint: string, service: string, log: Log): TracingSdk {
  const exporter = new ReportingExporter(
    new OTLPTraceExporter({
      url: `${withoutTrailingSlashes(endpoint)}/v1/traces`,
      timeoutMillis: EXPORT_WITHIN_MS,
    }),
    log,
  );
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service, 'process.pid': process.pid }),
    spanProcessors: [
      new BatchSpanProcessor(exporter, {
        maxQueueSize: QUEUE_SPANS,
        scheduledDelayMillis: EXPORT_EVERY_MS,
        exportTimeoutMillis: EXPORT_WITHIN_MS,
      }),
    ],
  });
  const tracer = provider.getTracer('mediakiln');
  return {
    start: (ask, active) => {
      const isOwn = ask.parent === undefined;
      const remote = isOwn ? undefined : parseTraceparent(ask.parent);
      const parent = isOwn ? active?.spanContext() : remote;
      return tracer.startSpan(
        ask.name,
        {
          kind: ask.kind === undefined ? SpanKind.INTERNAL : KINDS[ask.kind],
          attributes: ask.attributes,
          links: ask.isLinked && active ? [{ context: active.spanContext() }] : [],
        },
        parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT,
      );
    },
    fail: (span: Span, code: string) => {
      span.setAttribute('error.type', code).setStatus({ code: SpanStatusCode.ERROR, message: code });
    },
    stop: () => provider.shutdown(),
  };
}

/** Says once that the collector does not take spans, and once that it does again. */
class ReportingExporter implements SpanExporter {
  private isFailing = false;

  constructor(
    private readonly inner: SpanExporter,
    private readonly log: Log,
  ) {}

  export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    this.inner.export(spans, (result) => {
      const hasFailed = Number(result.code) !== SUCCESS;
      if (hasFailed && !this.isFailing)
        this.log.warn('traces cannot be exported, spans are dropped', { err: result.error });
      if (!hasFailed && this.isFailing) this.log.info('traces are exported again');
      this.isFailing = hasFailed;
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.inner.shutdown();
  }
}
