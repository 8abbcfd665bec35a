import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { AuthModule } from '../auth/auth.module';
import { BatchesHttpModule } from '../batches/batches.module';
import { JobsHttpModule } from '../jobs/jobs.module';
import { LinksHttpModule } from '../links/links.module';
import { UploadsHttpModule } from '../uploads/uploads.module';
import { ChunkAssembly } from './chunk.assembly';
import { ChunkFiles } from './chunk.files';
import { ChunkReceiver } from './chunk.receiver';
import { ChunksController } from './chunks.controller';
import { ChunksService } from './chunks.service';
import { CsvController } from './csv.controller';
import { CsvService } from './csv.service';
import { EitherFiles } from './either-file';
import { ImageToVideoController } from './image-to-video.controller';
import { ImageToVideoRows } from './image-to-video.rows';
import { ImageToVideoService } from './image-to-video.service';
import { EarlyFilter } from './early.filter';
import { SharedRoutesController } from './shared-routes.controller';
import { TokenController } from './token.controller';
import { VideoTasksController } from './video-tasks.controller';
import { VideoTasksService } from './video-tasks.service';
import { VideoUploadsService } from './video-uploads.service';
import { VideosController } from './videos.controller';
import { VideosService } from './videos.service';

/** The routes of the systems that this one replaces, over the services of the other features. */
@Module({
  imports: [AuthModule, BatchesHttpModule, JobsHttpModule, LinksHttpModule, UploadsHttpModule],
  controllers: [
    ImageToVideoController,
    CsvController,
    SharedRoutesController,
    TokenController,
    VideosController,
    ChunksController,
    VideoTasksController,
  ],
  providers: [
    ImageToVideoService,
    ImageToVideoRows,
    CsvService,
    EitherFiles,
    ChunkAssembly,
    ChunkFiles,
    ChunkReceiver,
    ChunksService,
    VideosService,
    VideoTasksService,
    VideoUploadsService,
    { provide: APP_FILTER, useClass: EarlyFilter },
  ],
})
export class CompatHttpModule {}
