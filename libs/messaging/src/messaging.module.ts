import { AppConfig } from '@mediakiln/config';
import { HealthRegistry, Log, Meter } from '@mediakiln/observability';
import { Global, Module } from '@nestjs/common';
import { Doorbell } from './doorbell';
import { InProcessBroker } from './in-process.broker';
import { InProcessDoorbell } from './in-process.doorbell';
import { InProcessTransports } from './in-process.transports';
import { RabbitDoorbell } from './rabbit.doorbell';
import { RabbitTopology } from './rabbit.topology';
import { RabbitTransports } from './rabbit.transports';
import { Transports } from './transports';

/** Rings and deliveries: RabbitMQ when RABBITMQ_URL is set, else queues inside this process. */
@Global()
@Module({
  providers: [
    InProcessBroker,
    {
      provide: RabbitTopology,
      inject: [AppConfig],
      useFactory: (config: AppConfig) => new RabbitTopology({ prefix: config.queuePrefix }),
    },
    {
      provide: Doorbell,
      inject: [AppConfig, InProcessBroker, RabbitTopology, HealthRegistry, Log],
      useFactory: (
        { rabbitmqUrl }: AppConfig,
        broker: InProcessBroker,
        topology: RabbitTopology,
        health: HealthRegistry,
        log: Log,
      ): Doorbell =>
        rabbitmqUrl === undefined
          ? new InProcessDoorbell(broker)
          : new RabbitDoorbell(rabbitmqUrl, topology, health, log),
    },
    {
      provide: Transports,
      inject: [AppConfig, InProcessBroker, RabbitTopology, HealthRegistry, Log, Meter],
      useFactory: (
        { rabbitmqUrl, shutdownGraceSeconds }: AppConfig,
        broker: InProcessBroker,
        topology: RabbitTopology,
        health: HealthRegistry,
        log: Log,
        meter: Meter,
      ): Transports => {
        const graceMs = shutdownGraceSeconds * 1000;
        return rabbitmqUrl === undefined
          ? new InProcessTransports(broker, graceMs, log)
          : new RabbitTransports({ url: rabbitmqUrl, topology, graceMs }, health, log, meter);
      },
    },
  ],
  exports: [Doorbell, Transports],
})
export class MessagingModule {}
