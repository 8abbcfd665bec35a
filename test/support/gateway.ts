import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppConfig, ConfigModule } from '@mediakiln/config';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { DataSource } from 'typeorm';
import { GatewayModule, configureGateway, createGatewayAdapter } from '../../apps/gateway/src/gateway.module';
import { PATIENT_CONNECT_MS, createTestDatabase } from './database';

export const TEST_JWT_SECRET = 'a-secret-of-the-tests-and-of-nothing-else';
export const TEST_PASSWORD = 'correct horse battery';
const BOOT_ATTEMPTS = 3;

export interface RegisteredUser {
  token: string;
  refresh_token: string;
  user: { id: string; email: string; role: string };
  /** To spread into `headers`. */
  authorization: { authorization: string };
}

export interface TestGateway {
  app: NestFastifyApplication;
  /** Without a trailing slash; also the public URL, so that absolute URLs in answers can be fetched. */
  url: string;
  config: AppConfig;
  /** A data source of the test's own: it outlives the gateway's. */
  database: DataSource;
  /** A new account, through the API. */
  register(email?: string): Promise<RegisteredUser>;
  close(): Promise<void>;
}

export interface GatewayOptions {
  config?: Partial<AppConfig>;
  /** Another way to the gateway's own database, for instance through a TcpProxy. */
  databaseUrl?: (url: string) => string;
  /** More modules for the same process, such as the processors' (their handlers run where `prepare` connects them). */
  modules?: (Type | DynamicModule)[];
  /** Passed to `createGatewayAdapter`. */
  limits?: Parameters<typeof createGatewayAdapter>[1];
  /** Runs on the configured app before it listens, for instance to connect microservices. */
  prepare?: (app: NestFastifyApplication) => Promise<void> | void;
}

class TestRoot {}

/** The real gateway on a port, a database and a data folder of its own, with the in-process transport. */
export async function startGateway(options: GatewayOptions = {}): Promise<TestGateway> {
  const database = await createTestDatabase();
  const dataDir = await mkdtemp(join(tmpdir(), 'mediakiln-gateway-'));
  const databaseUrl = options.databaseUrl?.(database.url) ?? database.url;
  const configAt = (port: number): AppConfig =>
    new AppConfig({
      nodeEnv: 'test',
      jwtSecret: TEST_JWT_SECRET,
      databaseUrl,
      dataDir,
      port,
      publicUrl: `http://127.0.0.1:${port}`,
      logLevel: 'silent',
      shutdownGraceSeconds: 5,
      // A test asks as fast as it can, and makes all its accounts from one address.
      rateLimitPerMinute: 0,
      registrationsPerHour: 0,
      // A machine that is busy with other tests is no database that is away.
      ...(!options.databaseUrl && { databaseConnectMs: PATIENT_CONNECT_MS }),
      ...options.config,
    });
  const remove = async (): Promise<void> => {
    await database.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  const { app, config } = await bootSomewhere(configAt, options).catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  const url = `http://127.0.0.1:${config.port}`;
  return {
    app,
    url,
    config,
    database: database.dataSource,
    register: (email) => register(url, email ?? `${randomUUID()}@example.com`),
    close: async () => {
      await app.close();
      await remove();
    },
  };
}

/** A free port can be taken by somebody else before the gateway listens on it, hence the attempts. */
async function bootSomewhere(
  configAt: (port: number) => AppConfig,
  options: GatewayOptions,
): Promise<{ app: NestFastifyApplication; config: AppConfig }> {
  for (let attempt = 1; ; attempt++) {
    const config = configAt(await freePort());
    try {
      return { app: await boot(config, options), config };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt === BOOT_ATTEMPTS) throw error;
    }
  }
}

async function boot(config: AppConfig, options: GatewayOptions): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    { module: TestRoot, imports: [ConfigModule.with(config), GatewayModule, ...(options.modules ?? [])] },
    createGatewayAdapter(config, options.limits),
    { bufferLogs: true, abortOnError: false },
  );
  await configureGateway(app);
  await options.prepare?.(app);
  try {
    await app.listen(config.port, '127.0.0.1');
  } catch (error) {
    await app.close();
    throw error;
  }
  return app;
}

async function register(url: string, email: string): Promise<RegisteredUser> {
  const response = await fetch(`${url}/v1/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: TEST_PASSWORD }),
  });
  if (response.status !== 201)
    throw new Error(`register answered ${response.status}: ${await response.text()}`);
  const { access_token, refresh_token, user } = (await response.json()) as {
    access_token: string;
    refresh_token: string;
    user: RegisteredUser['user'];
  };
  return {
    token: access_token,
    refresh_token,
    user,
    authorization: { authorization: `Bearer ${access_token}` },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
