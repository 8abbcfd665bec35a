import type { SpanContext } from '@opentelemetry/api';

const SHAPE = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;

/** W3C Trace Context: the header's text. */
export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & SAMPLED) === SAMPLED ? '01' : '00'}`;
}

/** What the header says; undefined when it is none, which W3C Trace Context wants to be ignored. */
export function parseTraceparent(text: unknown): SpanContext | undefined {
  const match = typeof text === 'string' ? SHAPE.exec(text) : null;
  if (!match) return undefined;
  const [, version, traceId, spanId, flags, more] = match as unknown as [string, ...string[]];
  // Later versions may carry more fields, version 00 may not; ff is no version.
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return undefined;
  return {
    traceId: traceId!,
    spanId: spanId!,
    traceFlags: Number.parseInt(flags!, 16) & SAMPLED,
    isRemote: true,
  };
}
