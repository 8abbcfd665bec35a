import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { type AppConfig, ConfigError, ConfigModule, loadConfig } from '@mediakiln/config';
import { Log, keepHeapSteady } from '@mediakiln/observability';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { GatewayModule, configureGateway, createGatewayAdapter } from './gateway.module';

class GatewayProcess {}

async function main(): Promise<void> {
  keepHeapSteady({ growthPercent: 30 });
  const config = loadConfig(process.env, { host: '0.0.0.0', serviceName: 'gateway' });
  requireServices(config);
  const app = await NestFactory.create<NestFastifyApplication>(
    { module: GatewayProcess, imports: [ConfigModule.with(config), GatewayModule] },
    createGatewayAdapter(config),
    { bufferLogs: true, abortOnError: false },
  );
  await configureGateway(app);
  app.enableShutdownHooks();
  await app.listen(config.port, config.host);
  const url = await app.getUrl();
  app.get(Log).info('gateway is listening', { url, docs: `${url}/docs` });
}

function requireServices(config: AppConfig): void {
  const missing = [
    config.databaseUrl === undefined && 'DATABASE_URL',
    config.rabbitmqUrl === undefined && 'RABBITMQ_URL',
  ].filter((name) => name !== false);
  if (missing.length > 0)
    throw new ConfigError([
      `${missing.join(' and ')}: the gateway on its own needs PostgreSQL and RabbitMQ; ` +
        'set them, or run everything in one process with `npm start`',
    ]);
}

function reasonOf(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (code === 'EADDRINUSE')
    return `The gateway cannot listen on ${address}:${port}: another process does. Stop it, or set PORT or METRICS_PORT, whichever it is.`;
  return `The gateway could not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

main().catch((error: unknown) => {
  process.stderr.write(`${reasonOf(error)}\n`);
  process.exit(1);
});
