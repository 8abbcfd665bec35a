import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { ConfigModule, loadConfig } from '@mediakiln/config';
import { Transports } from '@mediakiln/messaging';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { NoopProcessorModule } from './noop.module';

class Root {}

const SLOTS = 4;

/** A processor whose engine does nothing. Says `ready` on stdout; ends with SIGTERM. */
async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const app = await NestFactory.create(
    { module: Root, imports: [ConfigModule.with(config), NoopProcessorModule] },
    new FastifyAdapter(),
    { logger: false },
  );
  app.enableShutdownHooks();
  app.connectMicroservice({ strategy: app.get(Transports).server('image', SLOTS) });
  await app.startAllMicroservices();
  await app.init();
  process.stdout.write('ready\n');
}

void main();
