import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type AppConfig, ConfigError, ConfigModule, loadConfig } from '@mediakiln/config';
import { Transports } from '@mediakiln/messaging';
import { Log, keepHeapSteady } from '@mediakiln/observability';
import { VideoProcessorModule } from './video-processor.module';

class VideoProcessorProcess {}

async function main(): Promise<void> {
  keepHeapSteady({ growthPercent: 100 });
  const config = loadConfig(process.env, { host: '0.0.0.0', serviceName: 'video-processor' });
  requireServices(config);
  const app = await NestFactory.create(
    { module: VideoProcessorProcess, imports: [ConfigModule.with(config), VideoProcessorModule] },
    new FastifyAdapter(),
    // Nest's own chatter would bury the one line that says why a start failed.
    { logger: false, abortOnError: false },
  );
  app.useLogger(app.get(Log));
  app.enableShutdownHooks();
  const transports = app.get(Transports);
  app.connectMicroservice({ strategy: transports.server('video', config.videoConcurrency) });
  app.connectMicroservice({ strategy: transports.server('video.quick', config.videoQuickConcurrency) });
  await app.init();
  await app.startAllMicroservices();
  app.get(Log).info('video processor is ready', {
    slots: { video: config.videoConcurrency, 'video.quick': config.videoQuickConcurrency },
  });
}

function requireServices(config: AppConfig): void {
  const missing = [
    config.databaseUrl === undefined && 'DATABASE_URL',
    config.rabbitmqUrl === undefined && 'RABBITMQ_URL',
  ].filter((name) => name !== false);
  if (missing.length > 0)
    throw new ConfigError([
      `${missing.join(' and ')}: the video processor on its own needs PostgreSQL and RabbitMQ; ` +
        'set them, or run everything in one process with `npm start`',
    ]);
}

main().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  const known = error instanceof ConfigError ? '' : 'The video processor could not start: ';
  process.stderr.write(`${known}${reason}\n`);
  process.exit(1);
});
