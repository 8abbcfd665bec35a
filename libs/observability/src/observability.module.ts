import { Global, Module } from '@nestjs/common';
import { HealthRegistry } from './health.registry';
import { Log } from './logger';
import { Meter } from './meter';
import { MetricsServer } from './metrics.server';
import { Tracer } from './tracer';

@Global()
@Module({
  providers: [Log, Meter, HealthRegistry, MetricsServer, Tracer],
  exports: [Log, Meter, HealthRegistry],
})
export class ObservabilityModule {}
