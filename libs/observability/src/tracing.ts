import { AsyncLocalStorage } from 'node:async_hooks';
import type { Attributes, Span } from '@opentelemetry/api';
import { formatTraceparent } from './traceparent';

export type { Span };

export interface SpanAsk {
  name: string;
  /** Default: internal. */
  kind?: 'server' | 'producer' | 'consumer';
  /** A W3C traceparent that came from elsewhere, null for none; left out: the active span is the parent. */
  parent?: string | null;
  /** Where the parent is another: the active span is linked. */
  isLinked?: boolean;
  /** No user's text, no command line. */
  attributes?: Attributes;
}

/** The OpenTelemetry SDK behind these functions. */
export interface SpanMaker {
  start(ask: SpanAsk, active: Span | undefined): Span;
  fail(span: Span, code: string): void;
}

/**
 * Both belong to the process, like the trace that a piece of work is in: spans are made far below anything that could be
 * handed a tracer. While no maker is set, which is the default, all of this is a comparison with undefined, and nothing
 * follows asynchronous calls: on Node 20 that alone costs the gateway a seventh of its requests.
 */
let maker: SpanMaker | undefined;
const active = new AsyncLocalStorage<Span>();

/** Switches tracing on, or with undefined off. For Tracer. */
export function traceWith(next: SpanMaker | undefined): void {
  maker = next;
}

export const isTracing = (): boolean => maker !== undefined;

/** For work that is no function: end it yourself. Undefined while tracing is off. */
export function startSpan(ask: SpanAsk): Span | undefined {
  return maker?.start(ask, active.getStore());
}

/** Makes the span active for what `work` calls and awaits. */
export function runIn<T>(span: Span, work: () => T): T {
  return active.run(span, work);
}

/** Runs the work in a span of its own; an error that it throws is noted by its code. */
export async function inSpan<T>(ask: SpanAsk, work: () => Promise<T>): Promise<T> {
  const tracing = maker;
  if (tracing === undefined) return work();
  const span = tracing.start(ask, active.getStore());
  try {
    return await active.run(span, work);
  } catch (error) {
    tracing.fail(span, codeOf(error));
    throw error;
  } finally {
    span.end();
  }
}

/** Notes on the active span that its work failed, where the failure is no exception. */
export function failSpan(code: string, span = active.getStore()): void {
  if (maker !== undefined && span !== undefined) maker.fail(span, code);
}

export function activeTraceId(): string | undefined {
  return maker === undefined ? undefined : active.getStore()?.spanContext().traceId;
}

/** What tells another process, or a later one, which span its work comes from. */
export function activeTraceparent(): string | null {
  const span = maker === undefined ? undefined : active.getStore();
  return span === undefined ? null : formatTraceparent(span.spanContext());
}

/** Messages may hold what a user wrote; codes and names do not. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as Error & { code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
