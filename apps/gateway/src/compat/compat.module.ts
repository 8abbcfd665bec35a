import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { BatchesHttpModule } from '../batches/batches.module';
import { UploadsHttpModule } from '../uploads/uploads.module';
import { CsvController } from './csv.controller';
import { CsvService } from './csv.service';
import { EitherFiles } from './either-file';
import { ImageToVideoController } from './image-to-video.controller';
import { ImageToVideoRows } from './image-to-video.rows';
import { ImageToVideoService } from './image-to-video.service';
import { MethodFilter } from './method.filter';
import { SharedRoutesController } from './shared-routes.controller';

/** The routes of the systems that this one replaces, over the services of the other features. */
@Module({
  imports: [BatchesHttpModule, UploadsHttpModule],
  controllers: [ImageToVideoController, CsvController, SharedRoutesController],
  providers: [
    ImageToVideoService,
    ImageToVideoRows,
    CsvService,
    EitherFiles,
    { provide: APP_FILTER, useClass: MethodFilter },
  ],
})
export class CompatHttpModule {}
