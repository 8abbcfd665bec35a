import { Controller, Injectable, Module } from '@nestjs/common';
import { DatabaseModule } from '@mediakiln/entities';
import { type ExecutionResult, JobRunner, JobsWorkerModule, MediaExecutor } from '@mediakiln/jobs';
import { MediaModule } from '@mediakiln/media';
import { MessagingModule, transportIdOf } from '@mediakiln/messaging';
import { NetModule } from '@mediakiln/net';
import { EventPattern } from '@nestjs/microservices';
import { ObservabilityModule } from '@mediakiln/observability';
import { type AnyOperation, findOperation } from '@mediakiln/operations';
import { StorageModule } from '@mediakiln/storage';

class NoParams {}

/** Runs under a name of the catalogue, so that everything around the engine is the real runtime. */
export const NOOP = 'image.compress';

const noop = {
  ...findOperation(NOOP)!,
  params: NoParams,
  check: () => undefined,
  timeoutSeconds: () => 60,
} as AnyOperation;

@Injectable()
class NoopExecutor extends MediaExecutor {
  readonly operations = [noop];

  engines(): Promise<{ versions: Record<string, string>; encoders: string[] }> {
    return Promise.resolve({ versions: {}, encoders: [] });
  }

  probe(): Promise<never> {
    return Promise.reject(new Error('this bench fetches nothing'));
  }

  execute(): Promise<ExecutionResult> {
    return Promise.resolve({ outputs: [] });
  }
}

@Controller()
class NoopController {
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
    JobsWorkerModule,
  ],
  controllers: [NoopController],
  providers: [{ provide: MediaExecutor, useClass: NoopExecutor }, JobRunner],
})
export class NoopProcessorModule {}
