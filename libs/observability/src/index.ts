export { HealthRegistry } from './health.registry';
export type { HealthReport } from './health.registry';
export { Log } from './logger';
export { Meter } from './meter';
export { ObservabilityModule } from './observability.module';
