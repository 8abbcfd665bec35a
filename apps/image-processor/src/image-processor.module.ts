import { Module } from '@nestjs/common';
import { DatabaseModule } from '@mediakiln/entities';
import { JobRunner, JobsWorkerModule, MediaExecutor } from '@mediakiln/jobs';
import { MediaModule } from '@mediakiln/media';
import { MessagingModule } from '@mediakiln/messaging';
import { NetModule } from '@mediakiln/net';
import { ObservabilityModule } from '@mediakiln/observability';
import { StorageModule } from '@mediakiln/storage';
import { ImageController } from './image.controller';
import { ImageExecutor } from './image.executor';

/** Runs the jobs of the `image` topic. The root module that imports it brings ConfigModule. */
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
  controllers: [ImageController],
  providers: [{ provide: MediaExecutor, useClass: ImageExecutor }, JobRunner],
})
export class ImageProcessorModule {}
