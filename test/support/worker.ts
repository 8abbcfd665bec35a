import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, type INestApplication, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppConfig, ConfigModule } from '@mediakiln/config';
import type { Probe } from '@mediakiln/contracts';
import { DatabaseModule } from '@mediakiln/entities';
import {
  type Execution,
  type ExecutionResult,
  JobRunner,
  JobsGatewayModule,
  JobsWorkerModule,
  MediaExecutor,
} from '@mediakiln/jobs';
import { MediaModule } from '@mediakiln/media';
import { MessagingModule, Transports, transportIdOf } from '@mediakiln/messaging';
import { NetModule } from '@mediakiln/net';
import { EventPattern } from '@nestjs/microservices';
import { ObservabilityModule } from '@mediakiln/observability';
import { type AnyOperation, findOperation } from '@mediakiln/operations';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { StorageModule } from '@mediakiln/storage';
import { testConfig } from './jobs';

export type Script = (execution: Execution) => Promise<ExecutionResult>;

/** An executor whose work is whatever the test scripts: the runtime around it is the real one. */
@Injectable()
export class ScriptedExecutor extends MediaExecutor {
  readonly operations: readonly AnyOperation[] = [
    findOperation('image.compress')!,
    findOperation('image.probe')!,
  ];
  override heldBytes = 0;
  readonly runs: Execution[] = [];
  script: Script = () => Promise.resolve({ outputs: [] });
  /** Of a fetched input. */
  probeScript: () => Promise<Probe> = () => Promise.reject(new Error('the test scripts no probe'));

  engines(): Promise<{ versions: Record<string, string>; encoders: string[] }> {
    return Promise.resolve({ versions: { script: '1' }, encoders: [] });
  }

  probe(): Promise<Probe> {
    return this.probeScript();
  }

  execute(execution: Execution): Promise<ExecutionResult> {
    this.runs.push(execution);
    return this.script(execution);
  }
}

@Controller()
class ScriptedController {
  constructor(private readonly runner: JobRunner) {}

  @EventPattern<string>('image', transportIdOf('image'))
  onRing(): Promise<void> {
    return this.runner.answer('image');
  }
}

@Module({
  imports: [
    ObservabilityModule,
    DatabaseModule,
    StorageModule,
    MessagingModule,
    NetModule,
    MediaModule,
    JobsGatewayModule,
    JobsWorkerModule,
  ],
  controllers: [ScriptedController],
  providers: [ScriptedExecutor, { provide: MediaExecutor, useExisting: ScriptedExecutor }, JobRunner],
})
class ScriptedProcessor {}

class Root {}

export interface TestWorker {
  app: INestApplication;
  config: AppConfig;
  executor: ScriptedExecutor;
  dataDir: string;
  close(): Promise<void>;
}

/** A whole worker with sweeper in this process, on the given database and the in-process transport. */
export async function startWorker(databaseUrl: string, values: Partial<AppConfig> = {}): Promise<TestWorker> {
  const dataDir = values.dataDir ?? (await mkdtemp(join(tmpdir(), 'mediakiln-worker-')));
  const config = testConfig({
    databaseUrl,
    dataDir,
    // Nobody dies here, so no lease may lapse however busy the machine is.
    leaseSeconds: 30,
    heartbeatSeconds: 1,
    sweepSeconds: 0.3,
    shutdownGraceSeconds: 2,
    ...values,
  });
  const app = await NestFactory.create(
    { module: Root, imports: [ConfigModule.with(config), ScriptedProcessor] },
    new FastifyAdapter(),
    { logger: false, abortOnError: false },
  );
  app.connectMicroservice({ strategy: app.get(Transports).server('image', 2) });
  await app.startAllMicroservices();
  await app.init();
  return {
    app,
    config,
    dataDir,
    executor: app.get(ScriptedExecutor),
    close: async () => {
      await app.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** What an executor would have made: a text file that passes for an image. */
export async function produce(execution: Execution, content: string): Promise<ExecutionResult> {
  const path = join(execution.workdir, 'output.part');
  await writeFile(path, content);
  return madeAt(execution, { path }, content);
}

/** The same, made in memory. */
export const produceInMemory = (execution: Execution, content: string): Promise<ExecutionResult> => {
  const path = join(execution.workdir, 'output.part');
  return Promise.resolve(madeAt(execution, { path, data: Buffer.from(content) }, content));
};

function madeAt(
  execution: Execution,
  file: { path: string; data?: Buffer },
  content: string,
): ExecutionResult {
  const probe = execution.inputs[0]!.probe!;
  return {
    outputs: [
      {
        variant: 'output',
        ...file,
        extension: 'jpg',
        container: 'jpeg',
        info: { mime_type: 'image/jpeg', probe },
      },
    ],
    report: { length: content.length },
  };
}
