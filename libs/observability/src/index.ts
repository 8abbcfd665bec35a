export { HealthRegistry } from './health.registry';
export type { HealthReport } from './health.registry';
export { Log } from './logger';
export { Meter } from './meter';
export { ObservabilityModule } from './observability.module';
export { Tracer } from './tracer';
export { activeTraceparent, failSpan, inSpan, isTracing, runIn, startSpan } from './tracing';
export type { Span } from './tracing';
export { formatTraceparent } from './traceparent';
